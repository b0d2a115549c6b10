import { expect, test } from 'vitest';
import { lower } from '../../../lib/lowering/index.ts';
import { requantizedAverage } from '../../../lib/lowering/passes/requantized-average.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const shape = [2, 20, 5, 7];
const scale = 0.003;

function graph(
  target: string,
  args: readonly (boolean | readonly number[])[],
  outputScale: number,
  size = shape,
) {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', size), 0.01, 117);
  return build.finish(build.quantizeDequantize(build.call(target, x, ...args), outputScale, 90));
}

test.each([
  { target: 'aten.adaptive_avg_pool2d.default', args: [[1, 1]] },
  { target: 'aten.mean.dim', args: [[-1, -2], true] },
  { target: 'aten.mean.dim', args: [[2, 3], false] },
])('$target $args with other parameters sums integers and quantizes once', ({ target, args }) => {
  const original = graph(target, args, scale);
  const { module, report } = lower(original, { strict: true });
  expect(report.refusals).toEqual([]);
  expect(calls(module).filter((call) => call.includes('qconv2d'))).toHaveLength(1);
  expect(calls(module).filter((call) => call.includes('dequantize'))).toHaveLength(1);
  const input = uniform(shape, -1, 1, 3);
  const [a, b] = [interpret(original, input)[0], interpret(module, input)[0]];
  // The average is exact in both; a number between two steps may be rounded to either.
  expect(greatestDifference(a, b)).toBeLessThanOrEqual(scale * 1.001);
  const different = b.toArray().filter((value, i) => Math.abs(value - a.toArray()[i]) > scale / 2).length;
  expect(different).toBeLessThanOrEqual(1);
});

test('equal parameters are left to pooling, and so are parts and large images', () => {
  for (const original of [
    graph('aten.adaptive_avg_pool2d.default', [[2, 1]], scale),
    graph('aten.mean.dim', [[3], true], scale),
    graph('aten.adaptive_avg_pool2d.default', [[1, 1]], scale, [1, 2, 33, 32]),
  ])
    expect(runPass(requantizedAverage, original).count).toBe(0);
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', shape), 0.01, 117);
  const pooled = build.call('aten.adaptive_avg_pool2d.default', x, [1, 1]);
  const equal = build.finish(build.quantizeDequantize(pooled, 0.01, 117));
  expect(runPass(requantizedAverage, equal).count).toBe(0);
});
