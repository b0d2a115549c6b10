import type { Step, TensorLike } from '../registry.ts';

/**
 * For each axis of a result the position of the source that each of its positions reads, -1 for none; undefined for an
 * axis that stays as it is.
 */
export type Tables = readonly (readonly number[] | undefined)[];

/** The step that reads elements by tables; where a table has none it writes `value`. */
export function pickStep<T extends TensorLike>(self: T, tables: Tables, value = 0): Step<T> {
  const entries = tables.flatMap((table, axis) => (table ? [[`table${axis}`, table] as const] : []));
  return { op: 'pick', inputs: [self], attributes: { ...Object.fromEntries(entries), value } };
}

/** Positions 0 to extent - 1, each through a function. */
export const tableOf = (extent: number, position: (i: number) => number): number[] =>
  Array.from({ length: extent }, (_, i) => position(i));

/** The remainder of a division, from 0 on. */
export const modulo = (a: number, b: number): number => ((a % b) + b) % b;
