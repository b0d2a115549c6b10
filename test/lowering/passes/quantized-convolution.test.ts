import { expect, test } from 'vitest';
import { quantizedConvolution } from '../../../lib/lowering/passes/quantized-convolution.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const quantize = 'quantized_decomposed.quantize_per_tensor.default';

test.each([
  {
    name: 'plain',
    shape: [2, 8, 7, 7],
    weight: [6, 8, 3, 3],
    rest: [
      [1, 1],
      [1, 1],
    ],
  },
  {
    name: 'depthwise, strided',
    shape: [1, 8, 9, 9],
    weight: [8, 1, 3, 3],
    rest: [[2, 2], [1, 1], [1, 1], 8],
  },
  {
    name: 'dilated',
    shape: [1, 4, 9, 9],
    weight: [4, 4, 3, 3],
    rest: [
      [1, 1],
      [2, 2],
      [2, 2],
    ],
  },
  { name: 'of signals', shape: [2, 4, 12], weight: [5, 4, 3], rest: [[2], [1]] },
])('a $name convolution of dequantized integers computes on the integers', ({ shape, weight, rest }) => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', shape), 0.01, 117);
  const rank = shape.length - 2;
  const args = [x, build.weight('w', weight), build.parameter('b', [weight[0]]), ...rest];
  const original = build.finish(build.call(`aten.conv${rank}d.default`, ...args));
  const { module, count } = runPass(quantizedConvolution, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual([quantize, `onednn.qconv${rank}d_pointwise.default`]);
  const input = uniform(shape, -1, 1, 21);
  // Integer sums are exact; float32 sums of at most 72 products of magnitude under 1 err by less than 72 * 2^-23.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
});

test.each([
  { kernel: [3, 3], dilation: [1, 1], padded: [] },
  { kernel: [2, 3], dilation: [1, 1], padded: ['aten.pad.default'] },
  { kernel: [4, 2], dilation: [1, 3], padded: ['aten.pad.default'] },
])("padding 'same' of a kernel $kernel pads with the zero point", ({ kernel, dilation, padded }) => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [1, 4, 6, 7]), 0.01, 117);
  const weight = build.weight('w', [4, 4, ...kernel]);
  const original = build.finish(build.call('aten.conv2d.padding', x, weight, null, [1, 1], 'same', dilation));
  const { module, count, report } = runPass(quantizedConvolution, original);
  expect(count).toBe(1);
  expect(report.refusals).toEqual([]);
  expect(calls(module)).toEqual([quantize, ...padded, 'onednn.qconv2d_pointwise.default']);
  const input = uniform([1, 4, 6, 7], -1, 1, 21);
  // Integer sums are exact; float32 sums of at most 36 products of magnitude under 1 err by less than 36 * 2^-23.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
});

test('a convolution with one float operand stays, and says so', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [1, 4, 6, 6]);
  const floatInput = build.call('aten.conv2d.default', x, build.weight('w', [4, 4, 1, 1]));
  const dequantized = build.quantizeDequantize(x, 0.01, 0);
  const floatWeight = build.call('aten.conv2d.default', dequantized, build.parameter('v', [4, 4, 1, 1]));
  const { count, report } = runPass(quantizedConvolution, build.finish(floatInput, floatWeight));
  expect(count).toBe(0);
  expect(report.refusals.map(({ reason }) => reason)).toEqual([
    'its weight is quantized, its input is not',
    'its weight is not quantized',
  ]);
});
