import { expect, test } from 'vitest';
import { foldBatchNorm } from '../../../lib/lowering/passes/fold-batch-norm.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const shape = [1, 4, 6, 6];

test('a batch norm after a convolution becomes part of its weights', () => {
  const build = new GraphBuilder();
  const conv = build.call('aten.conv2d.default', build.input('x', shape), build.parameter('w', [8, 4, 3, 3]));
  const original = build.finish(build.batchNorm(conv, 8));
  const weight = original.attribute('w');
  const { module, count, report } = runPass(foldBatchNorm, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual(['aten.conv2d.default']);
  expect(report.nodes.map(({ computedBy }) => computedBy)).toEqual([[conv.name], [conv.name]]);
  expect(original.attribute('w')).toBe(weight);
  const input = uniform(shape, -1, 1, 7);
  // Sums of 36 products in float32, scaled before instead of after.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
});

test('a batch norm elsewhere stays', () => {
  const build = new GraphBuilder();
  const module = build.finish(build.batchNorm(build.call('aten.relu.default', build.input('x', shape)), 4));
  expect(runPass(foldBatchNorm, module).count).toBe(0);
});

test.each([
  ['aten.conv3d.default', [1, 4, 5, 4, 3], [6, 2, 2, 3, 3], [2, 6]],
  ['aten.conv_transpose1d.default', [2, 4, 6], [4, 3, 3], [1, 3]],
  ['aten.conv_transpose2d.input', [1, 4, 5, 6], [4, 3, 2, 3], [2, 6]],
  ['aten.conv_transpose3d.input', [1, 4, 2, 3, 2], [4, 1, 2, 2, 2], [4, 4]],
])('a batch norm after %s of groups, too', (target, input, weight, [groups, channels]) => {
  const build = new GraphBuilder();
  const all = (value: number) => Array<number>(input.length - 2).fill(value);
  const rest = target.includes('transpose')
    ? [all(2), all(1), all(0), groups, all(1)]
    : [all(1), all(1), all(1), groups];
  const args = [build.input('x', input), build.parameter('w', weight), build.parameter('b', [channels])];
  const original = build.finish(build.batchNorm(build.call(target, ...args, ...rest), channels));
  const { module, count } = runPass(foldBatchNorm, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual([target]);
  const x = uniform(input, -1, 1, 7);
  // Sums of at most 36 products in float32, scaled before instead of after.
  expect(greatestDifference(interpret(original, x)[0], interpret(module, x)[0])).toBeLessThan(1e-5);
});
