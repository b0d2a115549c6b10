import { expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { arrayTypeOf } from '../../lib/tensor/index.ts';
import { random } from '../support/graph-builder.ts';

type Byte = 'uint8' | 'int8';

const next = random(11);
const between = (low: number, high: number) => low + (high - low) * next();
const limits = { uint8: [0, 255], int8: [-128, 127] } as const;

const functions = {
  none: { apply: (x: number) => x },
  relu: { apply: (x: number) => Math.max(x, 0) },
  hardtanh: { apply: (x: number) => Math.min(Math.max(x, -0.4), 0.9), unaryAlpha: -0.4, unaryBeta: 0.9 },
  hardswish: { apply: (x: number) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6 },
} as const;

/** Images [2, C, 3, 5] in an order of memory; `gap`: channels of a wider image that lie between two pixels. */
function stridesOf(order: 'channels-last' | 'row-major', channels: number, gap: number): number[] {
  const width = channels + gap;
  return order === 'channels-last' ? [15 * width, 1, 5 * width, width] : [15 * channels, 15, 5, 1];
}

/** The greatest difference from float64, in steps, and how many elements differ. */
function compare(
  x: Byte,
  y: Byte,
  unary: keyof typeof functions,
  channels: number,
  order: 'channels-last' | 'row-major',
  gap: number,
) {
  const { apply, ...bounds } = functions[unary];
  const shape = [2, channels, 3, 5];
  const strides = stridesOf(order, channels, gap);
  const length = 30 * (channels + gap);
  const input = new (arrayTypeOf(x))(length) as Uint8Array | Int8Array;
  for (let i = 0; i < length; i++) input[i] = Math.round(between(limits[x][0], limits[x][1]));
  const output = new (arrayTypeOf(y))(length) as Uint8Array | Int8Array;
  const parameters = [
    Array.from({ length: channels }, () => between(-0.5, 0.5)), // mean
    Array.from({ length: channels }, () => between(0.1, 2)), // variance
    Array.from({ length: channels }, () => between(-2, 2)), // weight
    Array.from({ length: channels }, () => between(-1, 1)), // bias
  ].map((values) => Float32Array.from(values));
  const [xScale, xZeroPoint, outputScale, outputZeroPoint] = [0.011, x === 'uint8' ? 117 : -9, 0.017, 31];
  addon.execute(
    {
      op: 'batch_norm',
      node: 'case',
      attributes: {
        ...{ eps: 1e-3, hasWeight: true, hasBias: true, xScale, xZeroPoint, outputScale, outputZeroPoint },
        ...{ unary, ...bounds },
      },
    },
    [
      { dtype: x, shape, strides, data: input },
      ...parameters.map((data) => ({ dtype: 'float32', shape: [channels], data }) as const),
    ],
    [{ dtype: y, shape, strides, data: output }],
  );
  const [mean, variance, weight, bias] = parameters;
  let [greatest, different] = [0, 0];
  for (let pixel = 0; pixel < 30; pixel++)
    for (let c = 0; c < channels; c++) {
      const at =
        order === 'channels-last'
          ? pixel * (channels + gap) + c
          : Math.floor(pixel / 15) * 15 * channels + c * 15 + (pixel % 15);
      const real = (input[at] - xZeroPoint) * xScale;
      const normalized = ((real - mean[c]) / Math.sqrt(variance[c] + 1e-3)) * weight[c] + bias[c];
      const exact = apply(normalized) / outputScale + outputZeroPoint;
      const [low, high] = limits[y];
      const difference = Math.abs(output[at] - Math.min(Math.max(exact, low), high));
      greatest = Math.max(greatest, difference);
      if (difference > 0.5) different++;
    }
  return { greatest, different, count: 30 * channels };
}

const shapes = [1, 2, 5, 8, 31, 32, 33, 64, 100, 300].flatMap((channels) => [
  [channels, 'channels-last', 0] as const,
  [channels, 'channels-last', 7] as const,
  [channels, 'row-major', 0] as const,
]);

it.each(shapes)('of bytes: %i channels, %s with a gap of %i', (channels, order, gap) => {
  for (const x of ['uint8', 'int8'] as const)
    for (const y of ['uint8', 'int8'] as const)
      for (const unary of Object.keys(functions) as (keyof typeof functions)[]) {
        const { greatest, different, count } = compare(x, y, unary, channels, order, gap);
        // Rounding is at most half a step; float32 has errors of up to 1e-4 steps here, which may tip a tie over.
        expect(greatest).toBeLessThan(0.5 + 1e-4);
        expect(different).toBeLessThanOrEqual(count / 100);
      }
});

it('what is not a number becomes the same byte in every channel', () => {
  const channels = 13;
  const shape = [1, channels, 1, 1];
  const y = new Int8Array(channels);
  const parameter = (value: number) => {
    return { dtype: 'float32', shape: [channels], data: new Float32Array(channels).fill(value) } as const;
  };
  addon.execute(
    {
      op: 'batch_norm',
      node: 'case',
      attributes: { eps: 0.5, hasWeight: false, hasBias: false, outputZeroPoint: -9 },
    },
    [{ dtype: 'int8', shape, data: new Int8Array(channels).fill(5) }, parameter(0), parameter(-1)],
    [{ dtype: 'int8', shape, data: y }],
  );
  expect(new Set(y).size).toBe(1);
});

it.each(['channels-last', 'row-major'] as const)('what has no byte is refused, %s', (order) => {
  const shape = [1, 8, 3, 5];
  const parameter = { dtype: 'float32', shape: [8], data: new Float32Array(8).fill(1) } as const;
  const image = {
    dtype: 'uint8',
    shape,
    strides: stridesOf(order, 8, 0),
    data: new Uint8Array(120),
  } as const;
  const normalize = (attributes: { readonly eps: number; readonly outputZeroPoint: number }) => () =>
    addon.execute(
      {
        ...{ op: 'batch_norm', node: 'case' },
        attributes: { ...attributes, hasWeight: false, hasBias: false, unary: 'relu' },
      },
      [image, parameter, parameter],
      [image],
    );
  expect(normalize({ eps: 0, outputZeroPoint: 255 })).not.toThrow();
  expect(normalize({ eps: 0, outputZeroPoint: 2 ** 40 })).toThrow('a zero point that is not a uint8');
  for (const eps of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(normalize({ eps, outputZeroPoint: 5 })).toThrow('eps must be finite where the result is uint8');
});
