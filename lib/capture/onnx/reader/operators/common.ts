import type { Dim } from '../../../../graph/index.ts';
import type { OnnxCall, OperatorReader } from '../call.ts';
import { checkModest } from '../folding/elements.ts';
import type { OnnxValue } from '../values.ts';

/** An operator that is one of ATen's, of the same inputs. */
export const same =
  (target: string): OperatorReader =>
  (call) =>
    call.call(target, ...call.all());

/** A sum, product, or the like of any number of tensors, two at a time. */
export const chain =
  (combine: (call: OnnxCall, a: OnnxValue, b: OnnxValue) => OnnxValue): OperatorReader =>
  (call) =>
    call.all().reduce((a, b) => combine(call, a, b));

/**
 * 0, 1, …
 * @throws Error for more than a file may ask for.
 */
export function upTo(count: number): number[] {
  checkModest([count], 0);
  return [...Array(count).keys()];
}

/** A copy of a list with another item at one place. */
export const replaced = <T>(list: readonly T[], at: number, item: T): T[] =>
  list.map((old, i) => (i === at ? item : old));

/** The order of axes in which one of them comes last, and the order that undoes it. */
export function movedLast(rank: number, axis: number): { there: number[]; back: number[] } {
  const there = [...upTo(rank).filter((each) => each !== axis), axis];
  return { there, back: upTo(rank).map((each) => there.indexOf(each)) };
}

/** All extents but one have their size; that one is -1. */
export const openAt = (shape: readonly Dim[], axis: number): Dim[] => replaced(shape, axis, -1);
