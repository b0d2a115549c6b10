import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { quantizedLinear } from '../../../lib/lowering/passes/quantized-linear.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

test.each([{ shape: [3, 16] }, { shape: [2, 5, 16] }])(
  'a linear layer of dequantized integers of shape $shape computes on the integers',
  ({ shape }) => {
    const build = new GraphBuilder();
    const x = build.quantizeDequantize(build.input('x', shape), 0.01, 117);
    const original = build.finish(
      build.call('aten.linear.default', x, build.weight('w', [7, 16]), build.parameter('b', [7])),
    );
    const { module, count, report } = runPass(quantizedLinear, original);
    expect(count).toBe(1);
    expect(calls(module).slice(1)).toEqual(['onednn.qlinear_pointwise.default']);
    // The quantize, both dequantizes and the linear: three of the four are one step now.
    expect(new Set(report.nodes.slice(1).flatMap(({ computedBy }) => computedBy)).size).toBe(1);
    const input = uniform(shape, -1, 1, 21);
    // Integer sums are exact; float32 sums of 16 products of magnitude under 1 err by less than 16 * 2^-23.
    expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
  },
);

test('a weight quantized as one tensor gets its scale as a constant', () => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [3, 16]), 0.01, 3);
  const integers = Tensor.from(
    'int8',
    Array.from({ length: 7 * 16 }, (_, i) => ((i * 37) % 255) - 127),
    [7, 16],
  );
  const weight = build.call(
    'quantized_decomposed.dequantize_per_tensor.default',
    ...[build.constant('w', integers), 0.5, 0, -128, 127, 'int8'],
  );
  const original = build.finish(build.call('aten.linear.default', x, weight));
  const { module, count } = runPass(quantizedLinear, original);
  expect(count).toBe(1);
  const input = uniform([3, 16], 0, 1, 5);
  // As above, with weights up to 64.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-3);
});

test('one dequantize serves several layers, and a transposed input', () => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [2, 16, 5]), 0.01, 64, 127);
  const turned = build.call('aten.transpose.int', x, 1, 2);
  const layers = ['a', 'b'].map((name) =>
    build.call('aten.linear.default', turned, build.weight(name, [7, 16])),
  );
  const original = build.finish(...layers);
  const { module } = lower(original, { strict: true });
  expect(calls(module)).toEqual([
    'quantized_decomposed.quantize_per_tensor.default',
    'aten.transpose.int',
    ...Array(2).fill('onednn.qlinear_pointwise.default'),
  ]);
  const input = uniform([2, 16, 5], -0.6, 0.6, 21);
  // As above.
  for (const i of [0, 1])
    expect(greatestDifference(interpret(original, input)[i], interpret(module, input)[i])).toBeLessThan(1e-5);
});
