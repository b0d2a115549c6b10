import { inspect } from 'node:util';
/**
 * The names of an interface's options, each with the type that {@link checkOptions} demands: 'boolean', or true where the
 * function itself checks the value. One that is left out, one too many, or a boolean that says true does not compile.
 */
export type OptionNames<T> = {
  readonly [K in keyof T]-?: [Exclude<T[K], undefined>] extends [boolean] ? 'boolean' : true;
};

/**
 * Checks that every option given is one that the function has, and that those that are true or false are one of both.
 * @param where the function, for messages.
 * @throws Error that names the option: with the one it resembles, or with all there are; or with what it is instead of
 * true or false.
 */
export function checkOptions<T extends object>(given: T, known: OptionNames<T>, where: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new Error(`${where}: options must be an object, got ${JSON.stringify(given)}`);
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(known, name)) {
      if (known[name as keyof T] === 'boolean') checkBoolean(value, name, where);
      continue;
    }
    const meant = resembling(name, Object.keys(known));
    throw new Error(
      `${where}: unknown option "${name}"; ` +
        (meant ? `did you mean "${meant}"?` : `there are ${Object.keys(known).join(', ')}`),
    );
  }
}

/** What JavaScript takes for true is not: 'false' is a word, and 1 may have been meant for the option beside it. */
function checkBoolean(value: unknown, name: string, where: string): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw new Error(`${where}: option "${name}" must be true or false, got ${inspect(value)}`);
}

/** Those of the options that a function has, for one that hands its own on to it. */
export function pickOptions<T extends object>(given: T, known: OptionNames<T>): T {
  return Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(known, name))) as T;
}

/** The name that differs in few letters, or that begins so; undefined where there is none. */
export function resembling(name: string, names: readonly string[]): string | undefined {
  const word = name.toLowerCase();
  const [nearest] = names
    .map((each) => ({ each, distance: editDistance(word, each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  // A third of the letters: two in six, as of "theads" and "thread".
  if (nearest && nearest.distance <= Math.max(1, Math.floor(word.length / 3))) return nearest.each;
  return word.length > 2 ? names.find((each) => each.toLowerCase().startsWith(word)) : undefined;
}

/** Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}
