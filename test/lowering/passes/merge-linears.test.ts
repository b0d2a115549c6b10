import { describe, expect, it } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { compile } from '../../../lib/runtime/index.ts';
import type { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, interpret } from '../../support/run-pass.ts';

type Quantize = (build: GraphBuilder, x: Node) => Node;

const statically: Quantize = (build, x) => build.quantizeDequantize(x, 0.01, 117);

const dynamically: Quantize = (build, x) => {
  const range = [0, 255];
  const chosen = build.call('quantized_decomposed.choose_qparams.tensor', x, ...range, 2 ** -12, 'uint8');
  const rest = [...[0, 1].map((i) => build.call('operator.getitem', chosen, i)), ...range, 'uint8'];
  const integers = build.call('quantized_decomposed.quantize_per_tensor.tensor', x, ...rest);
  return build.call('quantized_decomposed.dequantize_per_tensor.tensor', integers, ...rest);
};

const rows = [24, 8, 40];

/** Query, key and value of `x`, each with what `then` makes of it. */
function projections(quantize: Quantize, then: (b: GraphBuilder, y: Node, i: number) => Node, bias = true) {
  const build = new GraphBuilder();
  const x = quantize(build, build.input('x', [2, 5, 16]));
  const results = rows.map((count, i) =>
    then(
      build,
      build.call(
        'aten.linear.default',
        ...[x, build.weight(`w${i}`, [count, 16]), bias ? build.parameter(`b${i}`, [count]) : null],
      ),
      i,
    ),
  );
  return build.finish(...results);
}

const layersOf = (targets: readonly string[]) =>
  targets.filter((target) => target.includes('qlinear')).length;

describe('merge-linears', () => {
  const forms: readonly (readonly [string, (b: GraphBuilder, y: Node, i: number) => Node, boolean])[] = [
    ['alone', (_, y) => y, true],
    ['without biases', (_, y) => y, false],
    ['under one function', (b, y) => b.call('aten.relu.default', y), true],
    ['with one scale', (b, y) => b.quantizeDequantize(y, 0.02, 100), true],
  ];
  for (const [input, quantize] of Object.entries({ statically, dynamically }))
    it.each(forms)(
      `layers of an input quantized ${input}, %s, are one, bit for bit`,
      async (_, then, bias) => {
        const graph = projections(quantize, then, bias);
        const [apart, merged] = [lower(graph), lower(graph, { mergeLinears: true })];
        expect(layersOf(calls(apart.module))).toBe(3);
        expect(layersOf(calls(merged.module))).toBe(1);
        expect(calls(merged.module)).toContain('aten.slice.Tensor');
        const x = uniform([2, 5, 16], -1, 1, 21);
        const expected = interpret(apart.module, x);
        for (const [i, tensor] of interpret(merged.module, x).entries())
          expect([tensor.shape, tensor.data]).toEqual([expected[i].shape, expected[i].data]);
        const [one, other] = [compile(apart.module), compile(merged.module)];
        const [planned, plannedMerged] = [await one.run([x]), await other.run([x])];
        for (const [name, tensor] of Object.entries(plannedMerged))
          expect((tensor as Tensor).data).toEqual((planned as unknown as Record<string, Tensor>)[name].data);
        one.dispose();
        other.dispose();
        // Every operator of the graph is still accounted for.
        const record = merged.report.nodes.filter(({ target }) => target === 'aten.linear.default');
        expect(record.map(({ computedBy }) => computedBy.length > 0)).toEqual([true, true, true]);
        // The weights of the parts are gone.
        const shapes = [...merged.module.attributes.values()].map(({ dtype, shape }) => `${dtype} ${shape}`);
        expect(shapes.filter((shape) => shape.startsWith('int8'))).toEqual(['int8 72,16']);
      },
    );

  it('is not done unless it is asked for, nor where results have scales of their own or other functions', () => {
    const scales = projections(statically, (b, y, i) => b.quantizeDequantize(y, 0.02 + i / 100, 100));
    expect(layersOf(calls(lower(scales, { mergeLinears: true }).module))).toBe(3);
    const functions = ['aten.relu.default', 'aten.gelu.default', 'aten.relu.default'];
    const mixed = projections(statically, (b, y, i) => b.call(functions[i], y));
    expect(layersOf(calls(lower(mixed, { mergeLinears: true }).module))).toBe(2);
    expect(layersOf(calls(lower(projections(statically, (_, y) => y)).module))).toBe(3);
  });

  it('two inputs are two groups', () => {
    const build = new GraphBuilder();
    const [x, y] = ['x', 'y'].map((name) => statically(build, build.input(name, [3, 16])));
    const results = [x, y, x, y].map((input, i) =>
      build.call('aten.linear.default', input, build.weight(`w${i}`, [8, 16])),
    );
    expect(layersOf(calls(lower(build.finish(...results), { mergeLinears: true }).module))).toBe(2);
  });
});
