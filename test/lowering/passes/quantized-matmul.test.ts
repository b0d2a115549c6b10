import { expect, test } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { quantizedMatmul } from '../../../lib/lowering/passes/quantized-matmul.ts';
import { compile } from '../../../lib/runtime/index.ts';
import type { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret, runPass } from '../../support/run-pass.ts';

const inputs = [1, 2].map((seed) => uniform([2, 3, 9, 8], -1, 1, seed));

/** A product of integers, with something after it. */
function product(build: GraphBuilder, scale: (build: GraphBuilder, product: Node) => Node): Node {
  const [a, b] = ['a', 'b'].map((name) =>
    build.quantizeDequantize(build.input(name, [2, 3, 9, 8]), 0.01, 110),
  );
  const transposed = build.call('aten.transpose.int', b, -2, -1);
  return build.quantize(scale(build, build.call('aten.matmul.default', a, transposed)), 0.01, 100);
}

test.each<[string, (build: GraphBuilder, product: Node) => Node]>([
  ['divided by a number', (build, product) => build.call('aten.div.Tensor', product, Math.sqrt(8))],
  ['multiplied by a number', (build, product) => build.call('aten.mul.Scalar', product, 0.35)],
  ['as it is', (_, product) => product],
])('a product runs on integers from end to end, %s', async (_, scale) => {
  const build = new GraphBuilder();
  const original = build.finish(product(build, scale));
  expect(runPass(quantizedMatmul, original).count).toBe(0); // The second factor's dequantize stands before a transposition.
  const { module, report } = lower(original, { strict: true });
  const computing = calls(module).filter((target) => !/transpose|quantize_per_tensor/.test(target));
  expect(computing).toEqual(['octavo.matmul.default']);
  expect(calls(module)).not.toContain('quantized_decomposed.dequantize_per_tensor.default');
  expect(report.passes).toContainEqual({ pass: 'quantized-matmul', count: 1 });
  const [wanted] = interpret(original, ...inputs);
  // A number at a tie may round to either side.
  expect(greatestDifference(wanted, interpret(module, ...inputs)[0])).toBeLessThanOrEqual(1);
  using model = compile(module, { threadsPerStream: 1 });
  const [a, b] = inputs;
  const output = Object.values(await model.run({ a, b }))[0] as Tensor;
  expect(greatestDifference(wanted, output)).toBeLessThanOrEqual(1);
});

test('numbers that are no scale stay outside', () => {
  const build = new GraphBuilder();
  const a = build.quantizeDequantize(build.input('a', [4, 4]), 0.01, 110);
  const product = build.call('aten.mm.default', a, a);
  const module = build.finish(build.call('aten.mul.Tensor', product, -2));
  expect(calls(lower(module).module)).toContain('aten.mul.Tensor');
});
