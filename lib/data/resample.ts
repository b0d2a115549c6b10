import type { Interpolation } from './preprocessing.ts';

/** Channels of an image: red, green, blue. */
export const imageChannels = 3;

/** Pixels of an image, row by row, with the channels of each pixel side by side. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A part of an image, in pixels. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A kernel of resizing: its weight at a distance in pixels, which is 0 from `support` on. */
interface Kernel {
  readonly support: number;
  readonly weight: (distance: number) => number;
}

const kernels: Readonly<Record<Interpolation, Kernel>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys' cubic with a = -0.5.
  bicubic: {
    support: 2,
    weight: (distance) => {
      const x = Math.abs(distance);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
    },
  },
};

/** Bits after the binary point of Pillow's weights: a byte times such a weight, and the sum's overshoot, fit 32 bits. */
const FRACTION_BITS = 22;
/** Sums begin with it, so that cutting the fraction off rounds. */
const HALF = 2 ** (FRACTION_BITS - 1);

/** The pixels that one resized pixel is the weighted mean of. */
interface Taps {
  readonly first: number;
  /** With {@link FRACTION_BITS} bits after the binary point. */
  readonly weights: Int32Array;
}

/**
 * A part of the image that resizing to `width` and `height` makes, the same bytes as `PIL.Image.resize` computes: the
 * kernel widens with the factor of reduction, weights are rounded to fixed point, and columns are resized before rows, each
 * rounded to bytes. sharp has such kernels too, but reduces by large factors in two steps, and enlarges half a pixel aside.
 */
export function resample(
  image: Pixels,
  width: number,
  height: number,
  part: Rectangle,
  interpolation: Interpolation,
): Pixels {
  const { support, weight } = kernels[interpolation];
  const columns = tapsOf(image.width, width, part.left, part.width, support, weight);
  const rows = tapsOf(image.height, height, part.top, part.height, support, weight);
  // A square from the middle of a long image needs few of its rows.
  const first = rows[0].first;
  const needed = rowsOf(image, first, endOf(rows[rows.length - 1]));
  const shifted = rows.map((taps) => ({ ...taps, first: taps.first - first }));
  return resampleRows(resampleColumns(needed, columns), shifted);
}

const endOf = ({ first, weights }: Taps) => first + weights.length;

function rowsOf({ width, data }: Pixels, first: number, end: number): Pixels {
  const line = width * imageChannels;
  return { width, height: end - first, data: data.subarray(first * line, end * line) };
}

function tapsOf(
  from: number,
  to: number,
  begin: number,
  count: number,
  support: number,
  weight: Kernel['weight'],
): Taps[] {
  if (from === to) return Array.from({ length: count }, (_, i) => unchanged(begin + i));
  const factor = from / to;
  const widening = Math.max(factor, 1);
  const reach = support * widening;
  return Array.from({ length: count }, (_, i) => {
    const center = (begin + i + 0.5) * factor;
    const first = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(from, Math.trunc(center + reach + 0.5));
    const values = Array.from({ length: end - first }, (_, j) =>
      weight((j + first - center + 0.5) * (1 / widening)),
    );
    const total = values.reduce((sum, value) => sum + value, 0);
    return {
      first,
      weights: Int32Array.from(values, (value) => toFixedPoint(total === 0 ? value : value / total)),
    };
  });
}

const unchanged = (at: number): Taps => ({ first: at, weights: Int32Array.of(2 ** FRACTION_BITS) });

/** Rounded half away from 0. */
const toFixedPoint = (value: number) => Math.trunc(value * 2 ** FRACTION_BITS + (value < 0 ? -0.5 : 0.5));

function resampleColumns({ width, height, data }: Pixels, columns: readonly Taps[]): Pixels {
  const result = new Uint8ClampedArray(columns.length * height * imageChannels);
  let to = 0;
  for (let y = 0; y < height; y++)
    for (const { first, weights } of columns) {
      let [red, green, blue] = [HALF, HALF, HALF];
      let from = (y * width + first) * imageChannels;
      for (let i = 0; i < weights.length; i++) {
        const weight = weights[i];
        red += Math.imul(data[from++], weight);
        green += Math.imul(data[from++], weight);
        blue += Math.imul(data[from++], weight);
      }
      result[to++] = red >> FRACTION_BITS;
      result[to++] = green >> FRACTION_BITS;
      result[to++] = blue >> FRACTION_BITS;
    }
  return { width: columns.length, height, data: new Uint8Array(result.buffer) };
}

function resampleRows({ width, data }: Pixels, rows: readonly Taps[]): Pixels {
  const line = width * imageChannels;
  const result = new Uint8ClampedArray(rows.length * line);
  const sums = new Int32Array(line);
  for (const [y, { first, weights }] of rows.entries()) {
    sums.fill(HALF);
    for (let i = 0, from = first * line; i < weights.length; i++) {
      const weight = weights[i];
      for (let x = 0; x < line; x++) sums[x] += Math.imul(data[from++], weight);
    }
    for (let x = 0; x < line; x++) result[y * line + x] = sums[x] >> FRACTION_BITS;
  }
  return { width, height: rows.length, data: new Uint8Array(result.buffer) };
}
