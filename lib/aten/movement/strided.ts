import { type Arguments, addDims, type Dim, isAtMost } from '../../graph/index.ts';
import type { StridedLike, StridedView } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';

/** What the families of strided views share. */

/** The part of a tensor that shape rules need, of a plan's value as of a meta. */
export interface Shaped {
  readonly shape: readonly Dim[];
}

/** A copy of a list with one entry replaced. */
export const replaced = <T>(list: readonly T[], at: number, item: T): T[] =>
  list.map((old, i) => (i === at ? item : old));

/** A copy of a list without one entry. */
export const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);

/** The axis that the argument `dim` names, or another one. */
export const axisOf = (args: Arguments<Shaped>, name = 'dim'): number =>
  normalizeAxis(args.number(name), args.tensor('self').shape.length, args.schema.name);

/** An argument of at least 1. */
export function positive(args: Arguments<Shaped>, name: string): number {
  const value = args.number(name);
  if (value < 1) throw new Error(`${args.schema.name}: '${name}' must be positive, got ${value}`);
  return value;
}

/** A position along an axis of that extent; negative ones count from the end. */
export function position(at: Dim, extent: Dim, { ranges }: Arguments<Shaped>): Dim {
  return isAtMost(at, -1, ranges) ? addDims(at, extent) : at;
}

/** A range of positions along an axis. */
export function narrow(
  input: StridedLike,
  axis: number,
  start: number,
  length: number,
  step = 1,
): StridedView {
  const { shape, strides } = input;
  return {
    shape: replaced(shape, axis, length),
    strides: replaced(strides, axis, strides[axis] * step),
    offset: length > 0 ? start * strides[axis] : 0,
  };
}
