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
