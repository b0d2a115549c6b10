// What the tests of bfloat16 steps compute with.
import { bfloat16ToFloat, floatToBfloat16, rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';
import { channelsLast, type Layout, seededTensor, withGaps } from './steps.ts';

export type Values = readonly number[];

const ofValues = (values: Values, shape: readonly number[]) =>
  new Tensor('bfloat16', floatToBfloat16(values), shape);
/** A float32 tensor, rounded. */
export const toBf16 = (tensor: Tensor): Tensor => ofValues(tensor.toArray(), tensor.shape);
/** The nearest bfloat16. */
export const rounded = (value: number): number => bfloat16ToFloat(floatToBfloat16([value]))[0];
export const valuesOf = (tensor: Tensor): number[] =>
  tensor.dtype === 'bfloat16'
    ? [...bfloat16ToFloat(tensor.data as Uint16Array)]
    : Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/** Odd extents, and more channels than a vector of any width has. */
export const image = [2, 19, 5, 6];
export const x = (() => {
  const fine = seededTensor('float32', image).toArray();
  return ofValues(
    fine.map((value, i) => value * (1 + (i % 7) / 64)),
    image,
  );
})();
export const y = ofValues(
  seededTensor('float32', image, 7)
    .toArray()
    .map((value) => value + 0.03),
  image,
);

/** Of a step's inputs and of its result. */
export const layouts: Readonly<Record<string, readonly [Layout, Layout]>> = {
  'row-major': [rowMajorStrides, rowMajorStrides],
  'channels-last': [channelsLast, channelsLast],
  'channels-last to row-major': [channelsLast, rowMajorStrides],
  'rows with gaps': [withGaps, withGaps],
};
