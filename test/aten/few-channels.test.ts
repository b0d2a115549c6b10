import { describe, expect, it } from 'vitest';
import { arrayTypeOf, numelOf, rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';
import { random } from '../support/graph-builder.ts';
import { channelsLast, type Layout, runStep, withGaps } from '../support/steps.ts';

// Images whose pixels are few bytes are woven and split by shuffles, in blocks and in what is left over behind them.
const channels = [1, 2, 3, 4, 5, 8, 17, 21];
/** Whole blocks of 64 pixels, some of 16, and less. */
const images = channels.flatMap((c) => [
  [1, c, 8, 32],
  [2, c, 9, 19],
  [1, c, 2, 3],
]);
const layouts: Record<string, [Layout, Layout]> = {
  'row-major to channels-last': [rowMajorStrides, channelsLast],
  'channels-last to row-major': [channelsLast, rowMajorStrides],
  'rows with gaps to channels-last': [withGaps, channelsLast],
  'channels-last to rows with gaps': [channelsLast, withGaps],
};

const next = random(11);
const special = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  3e38,
  -3e38,
  1e10,
  -1e10,
  0,
  -0,
];

/** Halves that are rounded to even, values inside and far outside the range, and what is not a number. */
function floats(shape: readonly number[]): Tensor {
  const values = Float32Array.from({ length: numelOf(shape) }, () => {
    const kind = next();
    if (kind < 0.1) return special[Math.floor(next() * special.length)];
    return kind < 0.5 ? (Math.floor(next() * 400) - 200.5) / 2 : (next() - 0.5) * 300;
  });
  return new Tensor('float32', values, shape);
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

interface Recipe {
  readonly dtype: 'uint8' | 'int8';
  readonly scale: number;
  readonly zeroPoint: number;
  readonly quantMin: number;
  readonly quantMax: number;
}

/** PyTorch's quantize_per_tensor; what is not a number becomes 0, as in its conversion to integers. */
function quantized(x: number, { scale, zeroPoint, quantMin, quantMax }: Recipe): number {
  const product = Math.fround(x * Math.fround(1 / scale));
  if (Number.isNaN(product)) return 0;
  return Math.min(Math.max(roundHalfEven(product) + zeroPoint, quantMin), quantMax);
}

const recipes: Recipe[] = [
  { dtype: 'uint8', scale: 0.5, zeroPoint: 114, quantMin: 0, quantMax: 255 },
  { dtype: 'uint8', scale: 0.37, zeroPoint: 0, quantMin: 0, quantMax: 127 },
  { dtype: 'uint8', scale: 0.5, zeroPoint: 255, quantMin: 0, quantMax: 255 },
  { dtype: 'uint8', scale: 0.5, zeroPoint: 9, quantMin: 3, quantMax: 200 },
  { dtype: 'int8', scale: 0.5, zeroPoint: -3, quantMin: -128, quantMax: 127 },
  { dtype: 'int8', scale: 0.61, zeroPoint: 20, quantMin: -64, quantMax: 63 },
];

describe.each(recipes)('to $dtype, zero point $zeroPoint, from $quantMin to $quantMax', (recipe) => {
  const { dtype, ...attributes } = recipe;
  it.each(Object.keys(layouts))('quantizes from %s', (name) => {
    for (const shape of images) {
      const x = floats(shape);
      const expected = Array.from(x.data as Float32Array, (value) => quantized(value, recipe));
      const step = { op: 'quantize', attributes };
      const { results } = runStep(step, [x], [{ dtype, shape }], ...layouts[name]);
      expect(results[0].toArray()).toEqual(expected);
    }
  });
});

/** One dtype for each size of an element. */
describe.each(['uint8', 'bfloat16', 'float32', 'int64'] as const)('%s', (dtype) => {
  it.each(Object.keys(layouts))('is copied from %s', (name) => {
    for (const shape of images) {
      const numbers = Array.from({ length: numelOf(shape) }, () => Math.floor(next() * 128));
      const x =
        dtype === 'int64'
          ? new Tensor(dtype, BigInt64Array.from(numbers, BigInt), shape)
          : new Tensor(dtype, (arrayTypeOf(dtype) as Uint8ArrayConstructor).from(numbers) as never, shape);
      const { results } = runStep({ op: 'copy', attributes: {} }, [x], [{ dtype, shape }], ...layouts[name]);
      expect(Array.from(results[0].data, Number)).toEqual(Array.from(x.data, Number));
    }
  });
});
