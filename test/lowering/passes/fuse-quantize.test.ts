import { expect, test } from 'vitest';
import type { Argument, Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { fuseQuantize } from '../../../lib/lowering/passes/fuse-quantize.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
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

/** The integral of the normal distribution up to x, by Simpson's rule in float64. */
function normal(x: number): number {
  const steps = 400;
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(x);
  for (let i = 1; i < steps; i++) sum += (i % 2 ? 4 : 2) * density((x * i) / steps);
  return 0.5 + (sum * x) / (3 * steps);
}

test.each([
  ['none', (x: number) => x * normal(x)],
  ['tanh', (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
])(
  'GELU (%s) after a linear layer of integers is part of it, and so is its quantize',
  (approximate, gelu) => {
    const build = new GraphBuilder();
    const x = build.dequantize(build.input('x', [3, 16], 'uint8'), 0.05, 120);
    const layer = build.call('aten.linear.default', x, build.weight('w', [8, 16]), null);
    const activated = build.graph.callFunction('aten.gelu.default', [layer], { approximate });
    const [scale, zeroPoint] = [0.02, 10];
    const original = build.finish(build.quantize(activated, scale, zeroPoint));
    const { module } = lower(original, { strict: true });
    expect(calls(module)).toEqual(['onednn.qlinear_pointwise.default']);
    const bytes = Array.from({ length: 48 }, (_, i) => (i * 89) % 256);
    const result = interpret(module, Tensor.from('uint8', bytes, [3, 16]))[0].toArray();
    const [weights, scales] = ['w', 'w_scale'].map((name) => original.attribute(name).toArray());
    const exact = result.map((_, i) => {
      const [row, channel] = [Math.floor(i / 8), i % 8];
      let sum = 0;
      for (let k = 0; k < 16; k++) sum += (bytes[row * 16 + k] - 120) * weights[channel * 16 + k];
      return gelu(sum * 0.05 * scales[channel]) / scale + zeroPoint;
    });
    expect(new Set(result).size).toBeGreaterThan(8);
    // Rounded to the nearest integer; oneDNN's polynomials are within 1e-3 of a step.
    for (const [i, value] of exact.entries())
      expect(Math.abs(result[i] - Math.min(255, Math.max(0, value)))).toBeLessThanOrEqual(0.5 + 1e-2);
  },
);
