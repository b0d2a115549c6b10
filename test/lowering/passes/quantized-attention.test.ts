import { describe, expect, it } from 'vitest';
import type { Node } from '../../../lib/graph/index.ts';
import { lower } from '../../../lib/lowering/index.ts';
import { compile } from '../../../lib/runtime/index.ts';
import type { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../../support/graph-builder.ts';
import { calls, greatestDifference, interpret } from '../../support/run-pass.ts';

const [batch, length, heads, width] = [2, 37, 3, 8];
const shape = [batch, length, heads * width];
const inputs = [1, 2, 3].map((seed) => uniform(shape, -1, 1, seed));
const fused = 'octavo.qscaled_dot_product.default';

interface Parts {
  /** Between the first product and the softmax. */
  readonly scores?: (build: GraphBuilder, product: Node) => Node;
  /** After the softmax. */
  readonly weights?: (build: GraphBuilder, softmax: Node) => Node;
  readonly axis?: number;
}

const divided = (build: GraphBuilder, product: Node) =>
  build.call('aten.div.Tensor', product, Math.sqrt(width));
const bytes = (build: GraphBuilder, softmax: Node) => build.quantizeDequantize(softmax, 1 / 255, 0);

/** Attention as models write it, with every matrix product quantized. */
function attention(build: GraphBuilder, { scores = divided, weights = bytes, axis = -1 }: Parts = {}): Node {
  const perHead = (name: string) => {
    const split = build.call('aten.view.default', build.input(name, shape), [batch, length, heads, width]);
    return build.quantizeDequantize(build.call('aten.transpose.int', split, 1, 2), 0.01, 110);
  };
  const [query, key, value] = ['q', 'k', 'v'].map(perHead);
  const product = build.call('aten.matmul.default', query, build.call('aten.transpose.int', key, -2, -1));
  const softmax = build.call('aten.softmax.int', scores(build, product), axis);
  return build.call('aten.matmul.default', weights(build, softmax), value);
}

describe('attention of 8-bit integers becomes one operator', () => {
  const mask = uniform([batch, 1, 1, length], -3, 0, 9);
  const cases: readonly (readonly [string, Parts])[] = [
    ['scores divided by a number', {}],
    ['scores multiplied by a number', { scores: (b, x) => b.call('aten.mul.Scalar', x, 0.35) }],
    ['scores as they are', { scores: (_, x) => x }],
    ['a mask', { scores: (b, x) => b.call('aten.add.Tensor', divided(b, x), b.constant('mask', mask)) }],
    [
      'a mask first',
      { scores: (b, x) => b.call('aten.add.Tensor', b.constant('mask', mask), divided(b, x)) },
    ],
    ['weights with a zero point', { weights: (b, x) => b.quantizeDequantize(x, 1 / 200, 7) }],
  ];
  it.each(cases)('%s', async (_, parts) => {
    const build = new GraphBuilder();
    const original = build.finish(build.quantize(attention(build, parts), 0.01, 100));
    const { module, report } = lower(original, { strict: true });
    const computing = calls(module).filter((target) => !/view|transpose|quantize_per_tensor/.test(target));
    expect(computing).toEqual([fused]);
    expect(report.passes).toContainEqual({ pass: 'quantized-attention', count: 1 });
    const [wanted] = interpret(original, ...inputs);
    // A probability at a tie may round to its neighbour, which moves the output by less than half a step.
    expect(greatestDifference(wanted, interpret(module, ...inputs)[0])).toBeLessThanOrEqual(1);
    using model = compile(module, { threadsPerStream: 1 });
    const [q, k, v] = inputs;
    const output = Object.values(await model.run({ q, k, v }))[0] as Tensor;
    expect(greatestDifference(wanted, output)).toBeLessThanOrEqual(1);
  });

  it('which returns floats where nothing quantizes them', () => {
    const build = new GraphBuilder();
    const original = build.finish(attention(build));
    const { module } = lower(original);
    expect(calls(module)).toContain(fused);
    // One weight that rounds to the other side of a tie: 1/255 times a value of up to 1.5.
    const [wanted] = interpret(original, ...inputs);
    expect(greatestDifference(wanted, interpret(module, ...inputs)[0])).toBeLessThan(0.006);
  });

  it('which returns bfloat16 under autocast', () => {
    const build = new GraphBuilder();
    const original = build.finish(build.call('aten.tanh.default', attention(build)));
    const { module } = lower(original, { autocast: { dtype: 'bfloat16', force: true } });
    const node = module.graph.nodes.find(({ target }) => target === fused);
    expect(node?.meta.val).toMatchObject({ dtype: 'bfloat16' });
  });
});

describe('stays as it is', () => {
  it.each<readonly [string, Parts]>([
    ['a softmax over the queries', { axis: -2 }],
    ['a softmax of floats', { weights: (_, x) => x }],
    ['scores that are changed by a function', { scores: (b, x) => b.call('aten.tanh.default', x) }],
  ])('%s', (_, parts) => {
    const build = new GraphBuilder();
    const original = build.finish(attention(build, parts));
    expect(calls(lower(original).module)).not.toContain(fused);
  });

  it('weights that are read elsewhere, too', () => {
    const build = new GraphBuilder();
    const read: Node[] = [];
    const weights = (b: GraphBuilder, x: Node) => {
      read.push(bytes(b, x));
      return read[0];
    };
    const attended = attention(build, { weights });
    expect(calls(lower(build.finish(attended, ...read)).module)).not.toContain(fused);
  });

  it('a product with values of another batch', () => {
    const build = new GraphBuilder();
    const [a, b] = ['a', 'b'].map((name) =>
      build.quantizeDequantize(build.input(name, [1, 9, 9]), 0.01, 110),
    );
    const values = build.quantizeDequantize(build.input('c', [3, 9, 9]), 0.01, 110);
    const softmax = build.call('aten.softmax.int', build.call('aten.matmul.default', a, b), -1);
    const original = build.finish(build.call('aten.matmul.default', bytes(build, softmax), values));
    expect(calls(lower(original).module)).not.toContain(fused);
  });
});
