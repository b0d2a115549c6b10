import { expect, test } from 'vitest';
import { floatLinear } from '../../../lib/lowering/passes/float-linear.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

test('a float linear layer takes the form that can fuse what follows', () => {
  const build = new GraphBuilder();
  const args = [build.input('x', [2, 3, 8]), build.parameter('w', [4, 8]), build.parameter('b', [4])];
  const original = build.finish(build.call('aten.linear.default', ...args));
  const { module, count } = runPass(floatLinear, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['mkldnn._linear_pointwise.default']);
  const input = uniform([2, 3, 8], -1, 1, 2);
  // The same primitive computes both.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});
