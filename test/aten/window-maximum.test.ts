import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat, type DType, floatToBfloat16, numelOf, Tensor } from '../../lib/tensor/index.ts';
import { channelsLast, runStep, seededIntegers, seededTensor } from '../support/steps.ts';

/** Of whole vectors of channels, of smaller ones, and of what is left behind them. */
const channels = [1, 3, 8, 16, 24, 32, 57, 64, 300];
const windows = [
  { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] },
  { kernel: [3, 3], stride: [2, 2], padding: [1, 1], dilation: [1, 1] },
  { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [2, 2] },
  { kernel: [5, 2], stride: [1, 3], padding: [2, 1], dilation: [1, 1] },
  { kernel: [1, 7], stride: [2, 1], padding: [0, 3], dilation: [1, 2] },
  // So large that columns and rows are pooled one after the other.
  { kernel: [5, 5], stride: [1, 1], padding: [2, 2], dilation: [1, 1] },
  { kernel: [9, 9], stride: [1, 1], padding: [4, 4], dilation: [1, 1] },
  { kernel: [4, 5], stride: [2, 1], padding: [2, 1], dilation: [2, 3] },
];
const [batch, height, width] = [2, 9, 14];

/** Channels-last, with more channels of another image between two pixels: part of a concatenation. */
const inConcatenation = ([, count, rows, columns]: readonly number[]) => {
  const pixel = count + 5;
  return [rows * columns * pixel, 1, columns * pixel, pixel];
};

function maxima(x: Tensor, [kernel, stride, padding, dilation]: number[][], rows: number, columns: number) {
  const count = x.shape[1];
  const numbers = numbersOf(x);
  const at = (n: number, c: number, i: number, j: number) =>
    i < 0 || j < 0 || i >= height || j >= width
      ? Number.NEGATIVE_INFINITY
      : numbers[((n * count + c) * height + i) * width + j];
  return Array.from({ length: batch * count * rows * columns }, (_, index) => {
    const [j, i] = [index % columns, Math.floor(index / columns) % rows];
    const [c, n] = [Math.floor(index / columns / rows) % count, Math.floor(index / columns / rows / count)];
    let best = Number.NEGATIVE_INFINITY;
    for (let a = 0; a < kernel[0]; a++)
      for (let b = 0; b < kernel[1]; b++) {
        const row = i * stride[0] - padding[0] + a * dilation[0];
        best = Math.max(best, at(n, c, row, j * stride[1] - padding[1] + b * dilation[1]));
      }
    return best;
  });
}

/** With some that are not a number, if there are such: PyTorch's maximum of a window with one of them is none either. */
function image(dtype: DType, count: number): Tensor {
  const shape = [batch, count, height, width];
  // Beyond 2^24, where float32 has gaps.
  if (dtype === 'int32')
    return Tensor.from(dtype, seededIntegers(numelOf(shape), 2 ** 24, 2 ** 24 + 99, count), shape);
  let x = seededTensor(dtype === 'bfloat16' ? 'float32' : dtype, shape, count);
  if (dtype === 'bfloat16') x = new Tensor(dtype, floatToBfloat16(x.data as Float32Array), shape);
  const nan = { float32: Number.NaN, bfloat16: 0xffc0 }[dtype as string];
  if (nan !== undefined) for (let i = 11; i < x.data.length; i += 97) x.data[i] = nan;
  return x;
}

/** bfloat16 as its numbers. */
const numbersOf = (x: Tensor) =>
  x.dtype === 'bfloat16' ? [...bfloat16ToFloat(x.data as Uint16Array)] : x.toArray();

describe.each(['uint8', 'int8', 'int32', 'float32', 'bfloat16'] as const)('max pooling of %s', (dtype) => {
  it.each(windows)('$kernel by $stride, padding $padding, dilation $dilation', (window) => {
    const { kernel, stride, padding, dilation } = window;
    const extent = (size: number, i: number) =>
      Math.floor((size + 2 * padding[i] - (kernel[i] - 1) * dilation[i] - 1) / stride[i]) + 1;
    const [rows, columns] = [extent(height, 0), extent(width, 1)];
    for (const count of channels) {
      const x = image(dtype, count);
      const output = { dtype, shape: [batch, count, rows, columns] };
      const expected = maxima(x, [kernel, stride, padding, dilation], rows, columns);
      const step = { op: 'pool', attributes: { algorithm: 'max', ...window } };
      for (const layout of [channelsLast, inConcatenation]) {
        const { results } = runStep(step, [x], [output], channelsLast, layout);
        expect(numbersOf(results[0])).toEqual(expected);
      }
    }
  });
});
