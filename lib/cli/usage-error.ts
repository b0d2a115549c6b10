/** Thrown for options that do not go together, or one that is missing: `octavo` was called the wrong way. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
