import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { batchNormalization } from '../../../lib/lowering/passes/batch-normalization.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const shape = [2, 8, 5, 5];
const input = uniform(shape, -1, 1, 3);

test('batch normalization reads the integers', () => {
  const build = new GraphBuilder();
  const original = build.finish(
    build.batchNorm(build.quantizeDequantize(build.input('x', shape), 0.01, 100), 8),
  );
  const { module, count } = runPass(batchNormalization, original);
  expect(count).toBe(1);
  expect(calls(module).slice(1)).toEqual(['octavo.batch_norm.default']);
  // The same arithmetic in float32.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-6);
});

test('with a function and a quantize it stays one step', () => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', shape), 0.01, 100);
  const relu = build.call('aten.relu.default', build.batchNorm(x, 8));
  const original = build.finish(build.quantize(relu, 0.01, 0));
  const { module, report } = lower(original);
  expect(calls(module).slice(1)).toEqual(['octavo.batch_norm.default']);
  expect(report.refusals).toEqual([]);
  // The float32 before rounding may differ in its last bits: ties may fall to either side.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThanOrEqual(
    1,
  );
});
