import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, SymInt, type TensorMeta } from '../../lib/graph/index.ts';
import { testGoldens } from '../support/aten-goldens.ts';

// Sums of at most 144 products of values of size 1, added in another order than PyTorch's.
describe('convolutions, linears and products of matrices', () =>
  testGoldens('product', () => ({ absolute: 1e-5, relative: 1e-5 })));

const meta = (...shape: TensorMeta['shape']): TensorMeta => ({ dtype: 'float32', shape });
const infer = (target: string, ...args: readonly unknown[]) => {
  const operator = operators.get(target);
  return (operator.infer(Arguments.bind<TensorMeta>(operator.schema, args)) as TensorMeta).shape.map(String);
};
const batch = new SymInt(['s0']);

describe('shapes', () => {
  it('pass a symbolic batch size on', () => {
    expect(infer('aten.conv2d.default', meta(batch, 3, 8, 8), meta(4, 3, 3, 3))).toEqual([
      's0',
      '4',
      '6',
      '6',
    ]);
    expect(infer('aten.linear.default', meta(batch, 5, 8), meta(4, 8))).toEqual(['s0', '5', '4']);
    expect(infer('aten.matmul.default', meta(batch, 2, 5, 8), meta(batch, 2, 8, 5))).toEqual([
      's0',
      '2',
      '5',
      '5',
    ]);
    expect(infer('aten.addmm.default', meta(4), meta(batch, 8), meta(8, 4))).toEqual(['s0', '4']);
  });

  it.each<[string, string, readonly unknown[], RegExp]>([
    ['channels', 'aten.conv2d.default', [meta(1, 4, 8, 8), meta(4, 3, 3, 3)], /has 4 channels.*needs 3/],
    ['ranks', 'aten.conv2d.default', [meta(4, 8, 8), meta(4, 3, 3, 3)], /must have 4 dimensions/],
    ['kernels beyond the input', 'aten.conv1d.default', [meta(1, 3, 2), meta(4, 3, 3)], /kernel spans 3/],
    [
      "strided 'same'",
      'aten.conv1d.padding',
      [meta(1, 3, 9), meta(4, 3, 3), null, [2], 'same'],
      /stride of 1/,
    ],
    [
      'another padding',
      'aten.conv1d.padding',
      [meta(1, 3, 9), meta(4, 3, 3), null, [1], 'full'],
      /'same' or 'valid'/,
    ],
    [
      'a convolved symbol',
      'aten.conv1d.default',
      [meta(1, 3, batch), meta(4, 3, 3)],
      /needs a size known at export/,
    ],
    ['rows', 'aten.linear.default', [meta(2, 7), meta(4, 8)], /must end in 8/],
    ['a weight of 3 dimensions', 'aten.linear.default', [meta(2, 8), meta(1, 4, 8)], /must be a matrix/],
    ['inner extents', 'aten.mm.default', [meta(2, 7), meta(8, 4)], /cannot be multiplied/],
    ['batch extents', 'aten.matmul.default', [meta(2, 3, 4), meta(3, 4, 2)], /cannot be multiplied/],
    ['ranks of bmm', 'aten.bmm.default', [meta(2, 4), meta(4, 2)], /must have 3 dimensions/],
  ])('refuse %s', (_, target, args, message) => {
    expect(() => infer(target, ...args)).toThrow(message);
  });
});
