import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { quantizedMatmul } from '../../../lib/lowering/passes/quantized-matmul.ts';
import { compile } from '../../../lib/runtime/index.ts';
import type { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const [batch, length, heads, width] = [2, 9, 3, 8];
const shape = [batch, length, heads * width];
const inputs = [1, 2, 3].map((seed) => uniform(shape, -1, 1, seed));

/** Attention as models write it, with every matrix product quantized. */
function attention(build: GraphBuilder, scale: (build: GraphBuilder, scores: Node) => Node): Node {
  const perHead = (name: string) => {
    const split = build.call('aten.view.default', build.input(name, shape), [batch, length, heads, width]);
    return build.quantizeDequantize(build.call('aten.transpose.int', split, 1, 2), 0.01, 110);
  };
  const [query, key, value] = ['q', 'k', 'v'].map(perHead);
  const scores = build.call('aten.matmul.default', query, build.call('aten.transpose.int', key, -2, -1));
  const weights = build.call('aten.softmax.int', scale(build, scores), -1);
  const attended = build.call('aten.matmul.default', build.quantizeDequantize(weights, 1 / 255, 0), value);
  return build.quantize(attended, 0.01, 100);
}

test.each<[string, (build: GraphBuilder, scores: Node) => Node]>([
  ['divided by a number', (build, scores) => build.call('aten.div.Tensor', scores, Math.sqrt(width))],
  ['multiplied by a number', (build, scores) => build.call('aten.mul.Scalar', scores, 0.35)],
  ['as they are', (_, scores) => scores],
])('attention runs on integers from end to end, scores %s', async (_, scale) => {
  const build = new GraphBuilder();
  const original = build.finish(attention(build, scale));
  expect(runPass(quantizedMatmul, original).count).toBe(1); // The other key's dequantize stands before a transposition.
  const { module, report } = lower(original, { strict: true });
  const computing = calls(module).filter((target) => !/view|transpose|quantize_per_tensor/.test(target));
  expect(computing).toEqual(['octavo.matmul.default', 'octavo.softmax.default', 'octavo.matmul.default']);
  expect(calls(module)).not.toContain('quantized_decomposed.dequantize_per_tensor.default');
  expect(report.passes).toContainEqual({ pass: 'quantized-matmul', count: 2 });
  const [wanted] = interpret(original, ...inputs);
  // A probability at a tie may round to its neighbour, which moves the output by less than half a step.
  expect(greatestDifference(wanted, interpret(module, ...inputs)[0])).toBeLessThanOrEqual(1);
  using model = compile(module, { threadsPerStream: 1 });
  const [q, k, v] = inputs;
  const output = Object.values(await model.run({ q, k, v }))[0] as Tensor;
  expect(greatestDifference(wanted, output)).toBeLessThanOrEqual(1);
});

test('numbers that are no scale stay outside', () => {
  const build = new GraphBuilder();
  const a = build.quantizeDequantize(build.input('a', [4, 4]), 0.01, 110);
  const product = build.call('aten.mm.default', a, a);
  const module = build.finish(build.call('aten.mul.Tensor', product, -2));
  expect(calls(lower(module).module)).toContain('aten.mul.Tensor');
});
