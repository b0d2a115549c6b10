import { expect } from 'vitest';
import type { RuntimeValue } from '../../lib/graph/index.ts';
import { type DType, numelOf, Tensor } from '../../lib/tensor/index.ts';
import { seededIntegers } from './steps.ts';

/** All dtypes that operators move without computing in them. */
export const movedDtypes: readonly DType[] = [
  'float32',
  'bfloat16',
  'float16',
  'float64',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
];

/** A seeded tensor of small whole numbers; of 16-bit floats these are the bits. */
export function anyTensor(dtype: DType, shape: readonly number[], seed = 1): Tensor {
  const values = seededIntegers(numelOf(shape), dtype === 'bool' ? 0 : 1, dtype === 'bool' ? 1 : 100, seed);
  if (dtype === 'bfloat16' || dtype === 'float16') return new Tensor(dtype, Uint16Array.from(values), shape);
  return Tensor.from(dtype, values, shape);
}

/** The positions of a shape, row-major. */
export function positionsOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, extent) => all.flatMap((at) => Array.from({ length: extent }, (_, i) => [...at, i])),
    [[]],
  );
}

/** The element of a tensor at a position. */
export function at(tensor: Tensor, position: readonly number[]): number {
  const index = position.reduce((sum, i, axis) => sum * tensor.shape[axis] + i, 0);
  return Number(tensor.data[index]);
}

/** Fails unless a tensor's elements (16-bit floats: their bits) are those that a function says for each position. */
export function expectElements(
  actual: RuntimeValue,
  dtype: DType,
  shape: readonly number[],
  element: (position: readonly number[]) => number,
): void {
  const tensor = actual as Tensor;
  expect([tensor.dtype, ...tensor.shape]).toEqual([dtype, ...shape]);
  expect(Array.from(tensor.data as ArrayLike<number | bigint>, Number)).toEqual(
    positionsOf(shape).map(element),
  );
}
