import { Tensor } from '../../../../tensor/index.ts';
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

/**
 * A tensor with a number around it, by axis; negative amounts cut away. PyTorch lists the last axis first, and none before
 * the first one that changes.
 */
export function padWith(
  call: OnnxCall,
  x: OnnxValue,
  before: readonly number[],
  after: readonly number[],
  value: number,
): OnnxValue {
  const first = before.findIndex((amount, axis) => amount !== 0 || after[axis] !== 0);
  if (first < 0) return x;
  const fromLast = upTo(before.length)
    .slice(first)
    .reverse()
    .flatMap((axis) => [before[axis], after[axis]]);
  return call.call('aten.constant_pad_nd.default', x, fromLast, value);
}

/** Known positions of an axis, from 0 on: a slice where they follow each other. */
export function positionsOf(
  call: OnnxCall,
  x: OnnxValue,
  axis: number,
  positions: readonly number[],
): OnnxValue {
  const [first] = positions;
  if (positions.length > 0 && positions.every((at, i) => at === first + i))
    return call.call('aten.slice.Tensor', x, axis, first, first + positions.length);
  return call.call('aten.index_select.default', x, axis, call.constant(Tensor.from('int64', positions)));
}
