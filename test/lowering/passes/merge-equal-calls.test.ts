import { expect, test } from 'vitest';
import { mergeEqualCalls } from '../../../lib/lowering/passes/merge-equal-calls.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { calls, runPass } from '../../support/run-pass.ts';

test('equal calls become one, calls that differ in any argument do not', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 3]);
  const [a, b] = [build.quantize(x, 0.1, 3), build.quantize(x, 0.1, 3)];
  const other = build.quantize(x, 0.1, 4);
  const { module, count, report } = runPass(mergeEqualCalls, build.finish(a, b, other));
  expect(calls(module)).toHaveLength(2);
  expect(count).toBe(1);
  expect(report.nodes.map(({ computedBy }) => computedBy)).toEqual([[a.name], [a.name], [other.name]]);
});

test('numbers that JSON cannot tell apart stay apart', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 3]);
  const fills = [Infinity, -Infinity, NaN, 0, -0, null];
  const padded = fills.map((fill) => build.call('aten.pad.default', x, [1, 1], 'constant', fill));
  const { count } = runPass(mergeEqualCalls, build.finish(...padded));
  expect(count).toBe(0);
});
