import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../lib/tensor/index.ts';
import { runDecomposed } from '../../support/decomposed.ts';

describe('einsum of dtypes that layers do not compute in', () => {
  // Whole numbers, which every dtype holds, and all their sums.
  const values = (count: number, step: number) =>
    Array.from({ length: count }, (_, i) => ((i * step) % 11) - 5);
  it.each(['float64', 'int64', 'int32'] as const)('%s', (dtype) => {
    const [x, y] = [values(24, 3), values(20, 7)];
    const [result] = runDecomposed(
      [Tensor.from(dtype, x, [2, 3, 4]), Tensor.from(dtype, y, [4, 5])],
      (b, p, q) => [b.call('aten.einsum.default', 'bij,jk->bki', [p, q])],
    );
    expect([result.dtype, result.shape]).toEqual([dtype, [2, 5, 3]]);
    const expected = Array.from({ length: 30 }, (_, at) => {
      const [b, k, i] = [Math.floor(at / 15), Math.floor(at / 3) % 5, at % 3];
      return [0, 1, 2, 3].reduce((sum, j) => sum + x[(b * 3 + i) * 4 + j] * y[j * 5 + k], 0);
    });
    expect(result.toArray().map(Number)).toEqual(expected);
  });

  it('float64 keeps its digits', () => {
    const tiny = 2 ** -40;
    const [result] = runDecomposed(
      [Tensor.from('float64', [1 + tiny, 1], [1, 2]), Tensor.from('float64', [1, tiny], [2, 1])],
      (b, p, q) => [b.call('aten.einsum.default', 'ij,jk->ik', [p, q])],
    );
    expect(result.toArray()).toEqual([1 + 2 * tiny]);
  });
});
