import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { splitAsymmetricWeight } from '../../../lib/lowering/passes/split-asymmetric-weight.ts';
import { type DType, integerRange, Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, interpret, runPass } from '../../support/run-pass.ts';

const [scale, zeroPoint] = [0.01, 117];
const weightScale = 0.02;

interface Weight {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** One, or one for each of the output channels. */
  readonly zeroPoints: readonly number[];
  /** From the least value on. */
  readonly values: number;
}

/** Integers over the whole range, its ends among them. */
function integersOf({ dtype, shape, values }: Weight): Tensor {
  const { min } = integerRange(dtype)!;
  const numel = shape.reduce((a, b) => a * b, 1);
  return Tensor.from(
    dtype,
    Array.from({ length: numel }, (_, i) => min + ((i * 37) % values)),
    shape,
  );
}

/** A layer of a weight that is dequantized with its zero points. */
function layerOf(target: string, weight: Weight, size: readonly number[], after: readonly number[][]) {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', size), scale, zeroPoint);
  const { min, max } = integerRange(weight.dtype)!;
  const integers = build.constant('w', integersOf(weight));
  const { zeroPoints } = weight;
  const dequantized =
    zeroPoints.length === 1
      ? build.call(
          'quantized_decomposed.dequantize_per_tensor.default',
          ...[integers, weightScale, zeroPoints[0], min, max, weight.dtype],
        )
      : build.call(
          'quantized_decomposed.dequantize_per_channel.default',
          ...[
            integers,
            build.constant('s', Tensor.from('float32', Array(zeroPoints.length).fill(weightScale))),
          ],
          ...[build.constant('z', Tensor.from('int64', zeroPoints)), 0, min, max, weight.dtype],
        );
  const bias = build.parameter('b', [weight.shape[0]]);
  return build.finish(build.call(target, x, dequantized, bias, ...after));
}

const channels = Array.from({ length: 7 }, (_, i) => 100 + 9 * i);

test.each<Weight & { readonly parts: number }>([
  { dtype: 'uint8', shape: [7, 16], zeroPoints: [131], values: 256, parts: 2 },
  { dtype: 'uint8', shape: [7, 16], zeroPoints: [0], values: 256, parts: 2 },
  { dtype: 'uint8', shape: [7, 16], zeroPoints: [255], values: 256, parts: 2 },
  { dtype: 'int8', shape: [7, 16], zeroPoints: [-5], values: 256, parts: 2 },
  { dtype: 'uint8', shape: [7, 16], zeroPoints: channels, values: 256, parts: 2 },
  // These need no ninth bit.
  { dtype: 'uint8', shape: [7, 16], zeroPoints: [128], values: 256, parts: 1 },
  { dtype: 'uint8', shape: [7, 16], zeroPoints: [100], values: 220, parts: 1 },
])(
  'a linear layer of $dtype weights with zero points $zeroPoints computes on integers in $parts parts',
  ({ parts, ...weight }) => {
    const original = layerOf('aten.linear.default', weight, [3, 16], []);
    const { module, report } = lower(original, { strict: true });
    expect(report.refusals).toEqual([]);
    expect(calls(module).slice(1)).toEqual(
      ['onednn.qlinear_pointwise.default', 'onednn.qlinear_pointwise.binary'].slice(0, parts),
    );
    const x = uniform([3, 16], -1, 1, 5);
    const result = interpret(module, x)[0].toArray();
    const integers = integersOf(weight).toArray();
    const bias = original.attribute('b').toArray();
    // In float64, from the integers of x.
    const quantized = x.toArray().map((value) => {
      const q = Math.round(Math.fround(value * Math.fround(1 / scale))) + zeroPoint;
      return Math.min(Math.max(q, 0), 255) - zeroPoint;
    });
    for (const [i, value] of result.entries()) {
      const [row, channel] = [Math.floor(i / 7), i % 7];
      const z = weight.zeroPoints[weight.zeroPoints.length === 1 ? 0 : channel];
      let sum = 0;
      for (let k = 0; k < 16; k++) sum += quantized[row * 16 + k] * (integers[channel * 16 + k] - z);
      // Sums are exact; each of two parts is scaled and added in float32. Values are up to 50.
      expect(Math.abs(value - (sum * scale * weightScale + bias[channel]))).toBeLessThan(50 * 4 * 2 ** -24);
    }
  },
);

test.each([
  {
    what: 'a convolution',
    shape: [8, 6, 3, 3],
    after: [
      [2, 2],
      [1, 1],
      [1, 1],
    ],
  },
  { what: 'a depthwise convolution', shape: [6, 1, 3, 3], after: [[1, 1], [1, 1], [1, 1], 6] },
])('$what is two steps', ({ shape, after }) => {
  const weight: Weight = { dtype: 'uint8', shape, zeroPoints: [90], values: 256 };
  const size = [2, 6, 9, 9];
  const original = layerOf('aten.conv2d.default', weight, size, after as number[][]);
  const { module } = lower(original, { strict: true });
  expect(calls(module).slice(1)).toEqual([
    'onednn.qconv2d_pointwise.default',
    'onednn.qconv2d_pointwise.binary',
  ]);
  const x = uniform(size, -1, 1, 7);
  const [a, b] = [interpret(original, x)[0].toArray(), interpret(module, x)[0].toArray()];
  const largest = Math.max(...a.map(Math.abs));
  // The graph as it was sums up to 54 float32 products.
  for (const [i, value] of b.entries()) expect(Math.abs(value - a[i])).toBeLessThan(54 * 2 ** -24 * largest);
});

test('symmetric int8 weights stay as they are', () => {
  const weight: Weight = { dtype: 'int8', shape: [7, 16], zeroPoints: [0], values: 256 };
  expect(runPass(splitAsymmetricWeight, layerOf('aten.linear.default', weight, [3, 16], [])).count).toBe(0);
});
