import type { OperatorArgument } from '../dispatcher.ts';

/** Two sizes, height then width. One number means both. */
export type Pair = number | readonly [number, number];

/** Both sizes of a {@link Pair}. */
export function pair(x: Pair): readonly [number, number] {
  return typeof x === 'number' ? [x, x] : x;
}

/** Options of functions that can overwrite their input. */
export interface InPlace {
  readonly inplace?: boolean;
}

/**
 * Leaves out trailing arguments that equal the schema's defaults, as PyTorch's tracer does.
 * @param defaults defaults of the last arguments.
 */
export function trimDefaults(
  args: readonly OperatorArgument[],
  defaults: readonly OperatorArgument[],
): readonly OperatorArgument[] {
  const optional = args.length - defaults.length;
  let end = args.length;
  while (end > optional && isSame(args[end - 1], defaults[end - 1 - optional])) end--;
  return args.slice(0, end);
}

function isSame(a: OperatorArgument, b: OperatorArgument): boolean {
  if (a === b) return true;
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => item === b[i]);
}
