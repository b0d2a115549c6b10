import { expect, test } from 'vitest';
import { foldConstants, foldDequantizedConstants } from '../../../lib/lowering/passes/fold-constants.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

test('what depends on parameters alone is computed once', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [3]);
  const positive = build.call('aten.relu.default', build.parameter('p', [3]));
  const original = build.finish(build.call('aten.add.Tensor', x, build.call('aten.tanh.default', positive)));
  const { module, count } = runPass(foldConstants, original);
  expect(calls(module)).toEqual(['aten.add.Tensor']);
  expect(count).toBe(2);
  const input = uniform([3], -1, 1, 9);
  // The same kernels computed the constant.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});

test('an int8 weight keeps its dequantize until no quantized operator can want it', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 4]);
  const original = build.finish(build.call('aten.mul.Tensor', x, build.weight('w', [2, 4])));
  expect(runPass(foldConstants, original).count).toBe(0);
  const { module, count } = runPass(foldDequantizedConstants, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['aten.mul.Tensor']);
  const input = uniform([2, 4], -1, 1, 9);
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});
