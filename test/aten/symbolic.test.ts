import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, type Dim, SymInt, type TensorMeta } from '../../lib/graph/index.ts';

const batch = new SymInt(['s0']);
const meta = (...shape: Dim[]): TensorMeta => ({ dtype: 'float32', shape });

function infer(target: string, ...args: readonly unknown[]): string {
  const operator = operators.get(target);
  const result = operator.infer(Arguments.bind<TensorMeta>(operator.schema, args));
  return Array.isArray(result)
    ? result.map((item) => `[${item.shape.join(', ')}]`).join(' ')
    : typeof result === 'object' && 'shape' in result
      ? `[${result.shape.join(', ')}]`
      : String(result);
}

/** Shape rules with a batch size that is known only when a request arrives. */
const cases: [string, readonly unknown[], string][] = [
  ['aten.relu.default', [meta(batch, 3)], '[s0, 3]'],
  ['aten.add.Tensor', [meta(batch, 3, 1), meta(3, 5)], '[s0, 3, 5]'],
  ['aten.add.Tensor', [meta(batch, 3), meta(batch, 1)], '[s0, 3]'],
  ['aten.max_pool2d.default', [meta(batch, 8, 9, 9), [3, 3], [2, 2], [1, 1]], '[s0, 8, 5, 5]'],
  ['aten.adaptive_avg_pool2d.default', [meta(batch, 8, 7, 7), [1, 1]], '[s0, 8, 1, 1]'],
  ['aten.flatten.using_ints', [meta(batch, 8, 2, 2), 1], '[s0, 32]'],
  ['aten.flatten.using_ints', [meta(batch, 8, 2, 2), 0, 1], '[8*s0, 2, 2]'],
  ['aten.view.default', [meta(batch, 64, 256), [batch, 64, 4, 64]], '[s0, 64, 4, 64]'],
  ['aten.view.default', [meta(batch, 64, 4), [-1, 4]], '[64*s0, 4]'],
  ['aten.view.default', [meta(new SymInt(['s0'], 64), 4), [batch, -1]], '[s0, 256]'],
  ['aten.transpose.int', [meta(batch, 64, 4), 0, 1], '[64, s0, 4]'],
  ['aten.cat.default', [[meta(batch, 3), meta(batch, 4)], 1], '[s0, 7]'],
  ['aten.cat.default', [[meta(batch, 3), meta(batch, 3)], 0], '[2*s0, 3]'],
  ['aten.chunk.default', [meta(batch, 5), 2, 1], '[s0, 3] [s0, 2]'],
  ['aten.select.int', [meta(batch, 5, 2), 1, -1], '[s0, 2]'],
  ['aten.slice.Tensor', [meta(batch, 5), 0, 0, Number.MAX_SAFE_INTEGER], '[s0, 5]'],
  ['aten.expand.default', [meta(1, 1, 5), [batch, -1, -1]], '[s0, 1, 5]'],
  ['aten.sym_size.int', [meta(batch, 5), 0], 's0'],
  ['aten.mean.dim', [meta(batch, 8, 7, 7), [2, 3]], '[s0, 8]'],
  ['aten.layer_norm.default', [meta(batch, 64, 8), [8]], '[s0, 64, 8]'],
  ['aten.embedding.default', [meta(100, 8), { dtype: 'int64', shape: [batch, 64] }], '[s0, 64, 8]'],
  ['aten.constant_pad_nd.default', [meta(batch, 3, 5), [1, 2]], '[s0, 3, 8]'],
  [
    'aten.scaled_dot_product_attention.default',
    [meta(batch, 4, 64, 16), meta(batch, 4, 32, 16), meta(batch, 4, 32, 8)],
    '[s0, 4, 64, 8]',
  ],
];

describe('symbolic batch', () => {
  for (const [target, args, expected] of cases)
    it(`${target} gives ${expected}`, () => expect(infer(target, ...args)).toBe(expected));

  it('says where a size must be known', () => {
    expect(() => infer('aten.max_pool2d.default', meta(1, 8, batch, 9), [2, 2])).toThrow(
      /max_pool2d.*known at export.*s0/,
    );
    expect(() => infer('aten.chunk.default', meta(batch, 5), 2, 0)).toThrow(/chunk.*s0/);
  });
});
