import { expect, test } from 'vitest';
import type { Argument, Node } from '../../../lib/graph/index.ts';
import { fuseQuantize } from '../../../lib/lowering/passes/fuse-quantize.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

/** A quantized linear layer of 8 to 8 that gives float32, with a fused function. */
function linear(build: GraphBuilder, x: Node, name: string, scalars: Argument): Node {
  const [weight, scales, zeroPoints] = build.weight('w', [8, 8]).args;
  return build.call(
    'onednn.qlinear_pointwise.default',
    ...[build.quantize(x, 0.01, 117), 0.01, 117, weight, scales, zeroPoints, null],
    ...[1, 0, 'float32', name, scalars, ''],
  );
}

const input = uniform([32, 8], -1, 1, 31);

test.each([['none'], ['relu'], ['hardswish']])('a quantize after %s is fused', (name) => {
  const build = new GraphBuilder();
  const original = build.finish(build.quantize(linear(build, build.input('x', [32, 8]), name, []), 0.01, 60));
  const { module, count } = runPass(fuseQuantize, original);
  expect(count).toBe(1);
  expect(calls(module).at(-1)).toBe('onednn.qlinear_pointwise.default');
  // The float32 before rounding differs in its last bits: ties may fall to either side.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThanOrEqual(
    1,
  );
});

test.each([
  ['none', []],
  ['relu', []],
  ['hardtanh', [-0.1, 6]],
])('a range narrower than the dtype clamps %s', (name, scalars) => {
  const build = new GraphBuilder();
  const layer = linear(build, build.input('x', [32, 8]), name, scalars);
  const original = build.finish(build.quantize(layer, 0.005, 20, 127));
  const { module, count } = runPass(fuseQuantize, original);
  expect(count).toBe(1);
  const [expected, actual] = [interpret(original, input)[0], interpret(module, input)[0]];
  expect(Math.max(...expected.toArray())).toBe(127);
  // As above.
  expect(greatestDifference(expected, actual)).toBeLessThanOrEqual(1);
});

test('a narrower range after a function that no clamp can be merged with becomes a table', () => {
  const build = new GraphBuilder();
  const layer = linear(build, build.input('x', [32, 8]), 'hardswish', []);
  const original = build.finish(build.quantize(layer, 0.005, 20, 127));
  const { module, count } = runPass(fuseQuantize, original);
  expect(count).toBe(1);
  expect(calls(module).slice(-2)).toEqual(['onednn.qlinear_pointwise.default', 'octavo.lookup.default']);
  const [expected, actual] = [interpret(original, input)[0], interpret(module, input)[0]];
  expect(Math.max(...expected.toArray())).toBe(127);
  // As above.
  expect(greatestDifference(expected, actual)).toBeLessThanOrEqual(1);
});

test('a value that is wanted in float as well stays in float', () => {
  const build = new GraphBuilder();
  const layer = linear(build, build.input('x', [32, 8]), 'none', []);
  const quantize = build.quantize(layer, 0.01, 60);
  const { count, report } = runPass(fuseQuantize, build.finish(quantize, layer));
  expect(count).toBe(0);
  expect(report.refusals).toMatchObject([
    { node: quantize.name, reason: expect.stringContaining('several users') },
  ]);
});
