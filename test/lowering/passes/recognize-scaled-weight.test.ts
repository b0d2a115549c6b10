import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { recognizeScaledWeight } from '../../../lib/lowering/passes/recognize-scaled-weight.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const integers = Array.from({ length: 7 * 16 }, (_, i) => ((i * 37) % 255) - 127);
const input = uniform([3, 16], -1, 1, 5);

function graph(write: (build: GraphBuilder, x: Node, w: Node, scales: Node) => Node) {
  const build = new GraphBuilder();
  const x = build.input('x', [3, 16]);
  const w = build.constant('w', Tensor.from('int8', integers, [7, 16]));
  const scales = build.constant('s', uniform([7], 0.001, 0.01, 9));
  return build.finish(write(build, x, w, scales));
}

const cast = (build: GraphBuilder, w: Node) => build.call('aten.to.dtype', w, 'float32');

test.each<[string, (build: GraphBuilder, x: Node, w: Node, scales: Node) => Node]>([
  [
    'scales on the right',
    (b, x, w, s) => b.call('aten.mul.Tensor', b.call('aten.linear.default', x, cast(b, w)), s),
  ],
  [
    'scales on the left',
    (b, x, w, s) => b.call('aten.mul.Tensor', s, b.call('aten.linear.default', x, cast(b, w))),
  ],
  ['the packed product', (b, x, w, s) => b.call('aten._weight_int8pack_mm.default', x, w, s)],
])('%s', (_, write) => {
  const original = graph(write);
  const { module, count } = runPass(recognizeScaledWeight, original);
  expect(count).toBe(1);
  expect(calls(module)).toEqual([
    'quantized_decomposed.dequantize_per_channel.default',
    'aten.linear.default',
  ]);
  // float32 sums of 16 products below 1.3, scaled before or after.
  expect(greatestDifference(interpret(original, input)[0], interpret(module, input)[0])).toBeLessThan(1e-5);
  const { module: lowered, report } = lower(original, { strict: true });
  expect(calls(lowered)).toEqual(['octavo.weight_only_linear.default']);
  expect(report.passes).toContainEqual({ pass: 'weight-only-linear', count: 1 });
  expect(greatestDifference(interpret(original, input)[0], interpret(lowered, input)[0])).toBeLessThan(1e-5);
});

test.each<[string, (build: GraphBuilder, x: Node, w: Node, scales: Node) => Node]>([
  [
    'a bias before the scales',
    (b, x, w, s) => b.call('aten.mul.Tensor', b.call('aten.linear.default', x, cast(b, w), s), s),
  ],
  [
    'a product with an input',
    (b, x, w) => b.call('aten.mul.Tensor', b.call('aten.linear.default', x, cast(b, w)), b.input('t', [7])),
  ],
  ['no product', (b, x, w, s) => b.call('aten.add.Tensor', b.call('aten.linear.default', x, cast(b, w)), s)],
])('%s is none', (_, write) => {
  expect(runPass(recognizeScaledWeight, graph(write)).count).toBe(0);
});
