import { expect, test } from 'vitest';
import type { Argument } from '../../../lib/graph/index.ts';
import { integerAveragePool } from '../../../lib/lowering/passes/integer-average-pool.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

function pooled(zeroPoint: number, target: string, ...rest: readonly Argument[]) {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [2, 3, 6, 6]), 0.01, zeroPoint);
  return build.finish(build.quantize(build.call(target, x, ...rest), 0.01, zeroPoint));
}

const input = uniform([2, 3, 6, 6], -1, 1, 11);

test.each([
  ['aten.adaptive_avg_pool2d.default', [[1, 1]]],
  ['aten.adaptive_avg_pool2d.default', [[4, 4]]],
  [
    'aten.avg_pool2d.default',
    [
      [2, 2],
      [2, 2],
    ],
  ],
  ['aten.avg_pool2d.default', [[3, 3], [2, 2], [1, 1], false, false]],
  ['aten.mean.dim', [[2, 3]]],
  ['aten.mean.dim', [[-1, -2], true]],
])('%s %j runs on the integers', (target, rest) => {
  const original = pooled(90, target, ...(rest as readonly Argument[]));
  const { module, count } = runPass(integerAveragePool, original);
  expect(count).toBe(1);
  expect(calls(module)).not.toContain('quantized_decomposed.dequantize_per_tensor.default');
  // One rounding of the same average, but its ties may fall to either side: one step.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThanOrEqual(
    1,
  );
});

test('an average over padding needs zero stored as 0', () => {
  const padded = [
    [3, 3],
    [2, 2],
    [1, 1],
  ];
  const original = pooled(0, 'aten.avg_pool2d.default', ...padded);
  const { module, count } = runPass(integerAveragePool, original);
  expect(count).toBe(1);
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThanOrEqual(
    1,
  );
  const { count: none, report } = runPass(
    integerAveragePool,
    pooled(90, 'aten.avg_pool2d.default', ...padded),
  );
  expect(none).toBe(0);
  expect(report.refusals[0].reason).toContain('zero is not stored as 0');
});

test('other parameters after the pooling are refused by name', () => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [2, 3, 6, 6]), 0.01, 0);
  const pool = build.call('aten.adaptive_avg_pool2d.default', x, [1, 1]);
  const { count, report } = runPass(integerAveragePool, build.finish(build.quantize(pool, 0.02, 0)));
  expect(count).toBe(0);
  expect(report.refusals).toEqual([
    { node: pool.name, pass: 'integer-average-pool', reason: expect.stringContaining('different') },
  ]);
});
