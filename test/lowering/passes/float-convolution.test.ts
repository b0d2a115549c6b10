import { expect, test } from 'vitest';
import { floatConvolution } from '../../../lib/lowering/passes/float-convolution.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

test('a float convolution takes the form that can fuse what follows', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [1, 4, 8, 8]);
  const args = [x, build.parameter('w', [4, 2, 3, 3]), build.parameter('b', [4]), [2, 2], [1, 1], [1, 1], 2];
  const original = build.finish(build.call('aten.conv2d.default', ...args));
  const { module, count } = runPass(floatConvolution, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['mkldnn._convolution_pointwise.default']);
  const input = uniform([1, 4, 8, 8], -1, 1, 2);
  // The same primitive computes both.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});

test('a convolution padded more on one side stays', () => {
  const build = new GraphBuilder();
  const args = [build.input('x', [1, 4, 8, 8]), build.parameter('w', [4, 4, 2, 2]), null, [1, 1], 'same'];
  const uneven = build.finish(build.call('aten.conv2d.padding', ...args));
  expect(runPass(floatConvolution, uneven).count).toBe(0);
});

test('a convolution of volumes does, too', () => {
  const build = new GraphBuilder();
  const three = (value: number) => [value, value, value];
  const x = build.input('x', [1, 4, 5, 6, 4]);
  const args = [x, build.parameter('w', [6, 2, 3, 3, 2]), build.parameter('b', [6]), three(2), three(1)];
  const original = build.finish(build.call('aten.conv3d.default', ...args, three(1), 2));
  const { module, count } = runPass(floatConvolution, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['mkldnn._convolution_pointwise.default']);
  const input = uniform([1, 4, 5, 6, 4], -1, 1, 2);
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});

test('a transposed convolution stays', () => {
  const build = new GraphBuilder();
  const args = [build.input('x', [1, 4, 8, 8]), build.parameter('w', [4, 4, 2, 2]), null, [1, 1], [0, 0]];
  const original = build.finish(build.call('aten.convolution.default', ...args, [1, 1], true, [0, 0], 1));
  expect(runPass(floatConvolution, original).count).toBe(0);
});
