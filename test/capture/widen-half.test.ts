import { afterEach, describe, expect, it, vi } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { widenHalf } from '../../lib/capture/widen-half.ts';
import {
  Arguments,
  type GraphModule,
  Interpreter,
  type Node,
  propagateShapes,
  type TensorMeta,
} from '../../lib/graph/index.ts';
import type { DType, Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

const convert = (tensor: Tensor, dtype: DType): Tensor => {
  const operator = operators.get('aten.to.dtype');
  return operator.execute(Arguments.bind<Tensor>(operator.schema, [tensor, dtype])) as Tensor;
};
const half = (tensor: Tensor) => convert(tensor, 'float16');
const numbers = (tensor: Tensor) => convert(tensor, 'float32').toArray();

const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
afterEach(() => warnings.mockClear());

/** The dtypes that PyTorch writes down beside every call. */
function withMetas(module: GraphModule, metas: ReadonlyMap<Node, TensorMeta>): GraphModule {
  for (const [node, val] of metas) node.meta.val = val;
  return module;
}

describe('a program in float16', () => {
  it('computes in float32, and its inputs and results stay float16', () => {
    const [x, w] = [uniform([3, 40], -1, 1, 1), uniform([5, 40], -1, 1, 2)].map(half);
    const b = new GraphBuilder();
    const input = b.input('x', x.shape, 'float16');
    const weight = b.constant('w', w);
    const cast = b.call('aten.to.dtype', input, 'float16');
    const linear = b.call('aten.linear.default', cast, weight);
    const flat = b.call('aten.view.default', linear, [15]);
    const meta = (...shape: number[]): TensorMeta => ({ dtype: 'float16', shape });
    const metas = new Map<Node, TensorMeta>([
      [cast, meta(3, 40)],
      [weight, meta(5, 40)],
      [linear, meta(3, 5)],
      [flat, meta(15)],
    ]);
    const module = withMetas(b.finish(flat, linear), metas);
    widenHalf(module, 'model.pt2');
    module.graph.lint();
    expect(warnings).toHaveBeenCalledWith(
      expect.stringMatching(/^model\.pt2 computes in float16, .* float32/),
      'OctavoWarning',
    );
    const shapes = propagateShapes(module, [meta(3, 40)], operators);
    for (const [node, known] of shapes) expect(node.meta.val).toEqual(known);
    const results = new Interpreter(module, operators).run([x]);
    const [xs, ws] = [numbers(x), numbers(w)];
    const expected = Array.from({ length: 15 }, (_, i) => {
      const [row, column] = [Math.floor(i / 5) * 40, (i % 5) * 40];
      return Array.from({ length: 40 }, (_, k) => xs[row + k] * ws[column + k]).reduce(
        (sum, each) => sum + each,
        0,
      );
    });
    for (const result of results) {
      expect(result.dtype).toBe('float16');
      // One rounding to 11 bits.
      for (const [i, value] of numbers(result).entries())
        expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(2 ** -11 * Math.abs(expected[i]) + 1e-6);
    }
  });

  it('that is stored and cast alone stays as it is', () => {
    const b = new GraphBuilder();
    const weight = b.constant('w', half(uniform([5, 4], -1, 1, 1)));
    const turned = b.call('aten.t.default', weight);
    const wide = b.call('aten.to.dtype', turned, 'float32');
    const metas = new Map<Node, TensorMeta>([
      [weight, { dtype: 'float16', shape: [5, 4] }],
      [turned, { dtype: 'float16', shape: [4, 5] }],
      [wide, { dtype: 'float32', shape: [4, 5] }],
    ]);
    const module = withMetas(b.finish(b.call('aten.mm.default', b.input('x', [2, 4]), wide)), metas);
    const before = String(module.graph.nodes.map(({ target }) => target));
    widenHalf(module, 'model.pt2');
    expect(String(module.graph.nodes.map(({ target }) => target))).toBe(before);
    expect(module.attribute('w').dtype).toBe('float16');
    expect(warnings).not.toHaveBeenCalled();
  });
});
