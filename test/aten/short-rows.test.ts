import { expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import type { TensorDesc } from '../../lib/native/addon-types.ts';
import { rowMajorStrides, type TensorData } from '../../lib/tensor/index.ts';
import { random } from '../support/graph-builder.ts';

const next = random(3);
const [height, width] = [3, 7];

/** [2, C, 3, 7] with the channels innermost, and `gap` more between two pixels. */
const channelsLast = (channels: number, gap = 0) => {
  const row = channels + gap;
  return { shape: [2, channels, height, width], strides: [height * width * row, 1, width * row, row] };
};

/** What is combined with an image, by how it repeats. */
const operands = {
  'an image': (channels: number) => channelsLast(channels),
  'an image with gaps': (channels: number) => channelsLast(channels, 5),
  'one value a channel': (channels: number) => ({ shape: [channels, 1, 1], strides: [1, 1, 1] }),
  'one value a channel and image': (channels: number) => ({
    shape: [2, channels, 1, 1],
    strides: [channels, 1, channels, channels],
  }),
  'one value a pixel': () => ({
    shape: [2, 1, height, width],
    strides: rowMajorStrides([2, 1, height, width]),
  }),
  'one value': () => ({ shape: [1], strides: [1] }),
} as const;

const lengthOf = ({ shape, strides }: Omit<TensorDesc, 'dtype'>) =>
  shape.reduce((last, extent, i) => last + (extent - 1) * strides![i], 1);

/** Where element [n, c, h, w] of an image lies in a tensor that may repeat. */
function offsetOf({ shape, strides }: Omit<TensorDesc, 'dtype'>, index: readonly number[]): number {
  const missing = 4 - shape.length;
  return shape.reduce((at, extent, i) => at + (extent === 1 ? 0 : index[missing + i] * strides![i]), 0);
}

const cases = [1, 2, 3, 8, 24, 32, 96, 170, 256, 512, 600].flatMap((channels) =>
  Object.keys(operands).map((name) => [channels, name as keyof typeof operands] as const),
);

// Pixels of few channels are computed several at a time: their rows must come out as single ones do.
it.each(cases)('%i channels, combined with %s', (channels, name) => {
  const operand = operands[name](channels);
  for (const gap of [0, 3]) {
    const image = channelsLast(channels, gap);
    const a = Float32Array.from({ length: lengthOf(image) }, () => 4 * next() - 2);
    const b = Uint8Array.from({ length: lengthOf(operand) }, () => 256 * next());
    const compute = (dtype: 'float32' | 'uint8', result: TensorData) =>
      addon.execute(
        {
          op: 'binary',
          node: 'case',
          attributes: {
            algorithm: 'mul',
            bScale: 0.01,
            bZeroPoint: 100,
            ...(dtype === 'uint8' ? { outputScale: 0.02, outputZeroPoint: 90 } : {}),
          },
        },
        [
          { dtype: 'float32', ...image, data: a },
          { dtype: 'uint8', ...operand, data: b },
        ],
        [{ dtype, ...image, data: result }],
      );
    const float = new Float32Array(a.length);
    const bytes = new Uint8Array(a.length);
    compute('float32', float);
    compute('uint8', bytes);
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < channels; c++)
        for (let h = 0; h < height; h++)
          for (let w = 0; w < width; w++) {
            const at = offsetOf(image, [n, c, h, w]);
            const exact = a[at] * (b[offsetOf(operand, [n, c, h, w])] - 100) * 0.01;
            // Two roundings of float32, of values up to 4.
            if (Math.abs(float[at] - exact) > 1e-6) expect(float[at]).toBe(exact);
            const step = Math.min(Math.max(exact / 0.02 + 90, 0), 255);
            // Half a step, and what float32 may tip over.
            if (Math.abs(bytes[at] - step) > 0.5 + 1e-4) expect(bytes[at]).toBe(step);
          }
  }
});
