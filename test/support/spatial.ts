// Positions of signals, images and volumes, for references that are written down for any number of extents.
import type { Tensor } from '../../lib/tensor/index.ts';
import { numelOf, rowMajorStrides } from '../../lib/tensor/index.ts';

/** Calls `visit` with every index of a shape, in row-major order. */
export function forEachIndex(
  shape: readonly number[],
  visit: (index: readonly number[], at: number) => void,
): void {
  const strides = rowMajorStrides(shape);
  for (let at = 0; at < numelOf(shape); at++)
    visit(
      shape.map((extent, axis) => Math.floor(at / strides[axis]) % extent),
      at,
    );
}

/** The element at an index; 0 outside of the tensor. */
export function elementAt(
  values: readonly number[],
  { shape }: Pick<Tensor, 'shape'>,
  index: readonly number[],
): number {
  const strides = rowMajorStrides(shape);
  if (index.some((i, axis) => i < 0 || i >= shape[axis])) return 0;
  return values[index.reduce((sum, i, axis) => sum + i * strides[axis], 0)];
}

/** The largest difference of two lists, relative to the largest of the second. */
export function relativeError(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} values, expected ${expected.length}`);
  let [worst, largest] = [0, 1e-30];
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(actual[i] - value);
    worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference);
    largest = Math.max(largest, Math.abs(value));
  }
  return worst / largest;
}
