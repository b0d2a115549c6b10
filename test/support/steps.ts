import { addon } from '../../lib/native/addon.ts';
import type { StepDesc } from '../../lib/native/addon-types.ts';
import { arrayTypeOf, numelOf, rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';

/** Strides of a shape whose extents lie in memory in the order that `order` names, slowest first. */
export function stridesInOrder(shape: readonly number[], order: readonly number[]): number[] {
  const strides: number[] = Array(shape.length).fill(1);
  let step = 1;
  for (const axis of order.toReversed()) {
    strides[axis] = step;
    step *= Math.max(shape[axis], 1);
  }
  return strides;
}

/** Channels-last strides of `[N, C, ...]`. */
export function channelsLast(shape: readonly number[]): number[] {
  const axes = shape.map((_, i) => i);
  return stridesInOrder(shape, [0, ...axes.slice(2), 1]);
}

export type Layout = (shape: readonly number[]) => number[];

/** A layout with gaps: every row of the last extent is followed by unused elements. */
export function withGaps(shape: readonly number[]): number[] {
  const padded = shape.map((extent, i) => (i === shape.length - 1 ? extent + 3 : extent));
  return rowMajorStrides(padded);
}

function positions(shape: readonly number[], strides: readonly number[]): number[] {
  let offsets = [0];
  shape.forEach((extent, axis) => {
    offsets = offsets.flatMap((base) => Array.from({ length: extent }, (_, i) => base + i * strides[axis]));
  });
  return offsets;
}

function spread(tensor: Tensor, layout: Layout) {
  const strides = layout(tensor.shape);
  const at = positions(tensor.shape, strides);
  const data = new (arrayTypeOf(tensor.dtype))(
    at.reduce((last, offset) => Math.max(last, offset), 0) + 1,
  ) as Float32Array;
  at.forEach((offset, i) => {
    data[offset] = (tensor.data as Float32Array)[i];
  });
  return { dtype: tensor.dtype, shape: tensor.shape, strides, data };
}

/** Runs a step on tensors laid out in memory as told. Gives the results row-major, and the implementation's name. */
export function runStep(
  step: Omit<StepDesc, 'node'>,
  inputs: readonly Tensor[],
  outputs: readonly { readonly dtype: Tensor['dtype']; readonly shape: readonly number[] }[],
  layout: Layout = rowMajorStrides,
  outputLayout: Layout = layout,
): { results: Tensor[]; implementation: string } {
  const targets = outputs.map(({ dtype, shape }) => spread(Tensor.zeros(dtype, shape), outputLayout));
  const sources = inputs.map((tensor) => spread(tensor, layout));
  const implementation = addon.execute({ node: 'tested', ...step }, sources, targets);
  const results = targets.map(({ dtype, shape, strides, data }) => {
    const dense = new (arrayTypeOf(dtype))(numelOf(shape)) as Float32Array;
    positions(shape, strides).forEach((offset, i) => {
      dense[i] = data[offset];
    });
    return new Tensor(dtype, dense, shape);
  });
  return { results, implementation };
}

/** Seeded integers in [low, high]: a linear congruential generator, good enough to fill tensors. */
export function seededIntegers(count: number, low: number, high: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + Math.floor((state / 2 ** 32) * (high - low + 1));
  });
}

/** A seeded tensor: all values of an integer dtype, or multiples of 1/16 around zero. */
export function seededTensor(dtype: Tensor['dtype'], shape: readonly number[], seed = 1): Tensor {
  const count = numelOf(shape);
  if (dtype === 'uint8') return Tensor.from(dtype, seededIntegers(count, 0, 255, seed), shape);
  if (dtype === 'int8') return Tensor.from(dtype, seededIntegers(count, -128, 127, seed), shape);
  const values = seededIntegers(count, -64, 64, seed).map((v) => v / 16);
  return Tensor.from(dtype, values, shape);
}
