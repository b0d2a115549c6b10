import { expect, test } from 'vitest';
import { liftQuantize } from '../../../lib/lowering/passes/lift-quantize.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const quantize = 'quantized_decomposed.quantize_per_tensor.default';

test('quantize climbs a chain of views and a pooling in one sweep, exactly', () => {
  const build = new GraphBuilder();
  const x = build.call('aten.tanh.default', build.input('x', [2, 3, 4, 4]));
  const pool = build.call('aten.max_pool2d.default', x, [3, 3], [2, 2], [1, 1]);
  const flat = build.call('aten.flatten.using_ints', pool, 1);
  const original = build.finish(build.quantize(flat, 0.01, 90));
  const { module, count, report } = runPass(liftQuantize, original);
  expect(calls(module)).toEqual([
    'aten.tanh.default',
    quantize,
    'aten.max_pool2d.default',
    'aten.flatten.using_ints',
  ]);
  expect(count).toBe(2);
  expect(report.nodes[1]).toMatchObject({ node: pool.name, step: 'aten.max_pool2d.default', dtype: 'uint8' });
  const input = uniform([2, 3, 4, 4], -1, 1, 4);
  // Rounding keeps order: the greatest of rounded values is the rounded greatest value.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});

test('quantize after a concatenation goes to each of its inputs', () => {
  const build = new GraphBuilder();
  const [x, y] = [build.input('x', [1, 2, 3, 3]), build.input('y', [1, 4, 3, 3])];
  const cat = build.call('aten.cat.default', [build.call('aten.relu.default', x), y], 1);
  const original = build.finish(build.quantize(cat, 0.02, 40));
  const { module, count } = runPass(liftQuantize, original);
  expect(calls(module)).toEqual(['aten.relu.default', quantize, quantize, 'aten.cat.default']);
  expect(count).toBe(1);
  const inputs = [uniform([1, 2, 3, 3], -1, 1, 5), uniform([1, 4, 3, 3], -1, 1, 6)];
  expect(greatestDifference(interpret(original, ...inputs)[0], interpret(module, ...inputs)[0])).toBe(0);
});

test('a value that is also wanted in float is not quantized early', () => {
  const build = new GraphBuilder();
  const pool = build.call('aten.max_pool2d.default', build.input('x', [1, 1, 4, 4]), [2, 2]);
  const module = build.finish(build.quantize(pool, 0.01, 0), build.call('aten.relu.default', pool));
  expect(runPass(liftQuantize, module).count).toBe(0);
});
