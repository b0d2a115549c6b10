import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { rowFunctions } from '../../../lib/lowering/passes/row-functions.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const functions: Readonly<Record<string, (build: GraphBuilder, x: Node) => Node>> = {
  softmax: (build, x) => build.call('aten.softmax.int', x, -1),
  layer_norm: (build, x) =>
    build.call('aten.layer_norm.default', x, [12], build.parameter('w', [12]), build.parameter('b', [12])),
};
const input = uniform([2, 5, 12], -2, 2, 3);

test.each(Object.entries(functions))('%s reads and writes integers', (name, write) => {
  const build = new GraphBuilder();
  const x = build.quantizeDequantize(build.input('x', [2, 5, 12]), 0.02, 120);
  const original = build.finish(build.quantize(write(build, x), 0.03, 100));
  expect(runPass(rowFunctions, original).count).toBe(1);
  const { module } = lower(original, { strict: true });
  expect(calls(module).slice(1)).toEqual([`octavo.${name}.default`]);
  // The same float32 operations on the same numbers.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});

test.each(Object.entries(functions))('%s to a reduced range is cut by a table', (name, write) => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 5, 12]);
  const original = build.finish(build.quantize(write(build, x), 0.004, 100, 127));
  const { module } = lower(original, { strict: true });
  expect(calls(module)).toEqual([`octavo.${name}.default`, 'octavo.lookup.default']);
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBe(0);
});

test('floats between floats stay as they are', () => {
  const build = new GraphBuilder();
  const module = build.finish(functions.softmax(build, build.input('x', [2, 5, 12])));
  expect(runPass(rowFunctions, module).count).toBe(0);
});
