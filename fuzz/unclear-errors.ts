const engineErrors = [TypeError, RangeError, ReferenceError, SyntaxError];
/** What JavaScript, C++ and oneDNN say of a mistake in the program: a caller cannot tell from it what to change. */
const engineMessages =
  /not a function|not iterable|Cannot (read|convert|mix)|Invalid array length|bad_alloc|Maximum call stack|could not (create|execute)/;

/** Whether an error says nothing to the caller that gave bad input. */
export function isUnclear(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  return engineErrors.some((type) => error instanceof type) || engineMessages.test(error.message);
}
