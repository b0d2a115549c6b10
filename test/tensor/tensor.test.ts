import { describe, expect, it } from 'vitest';
import { Tensor } from '../../lib/tensor/index.ts';

describe('Tensor.view', () => {
  it('finds the extent that is left open', () => {
    expect(Tensor.zeros('int8', [2, 6]).view([3, -1]).shape).toEqual([3, 4]);
    expect(Tensor.zeros('int8', [0, 6]).view([-1, 3]).shape).toEqual([0, 3]);
  });

  // torch.Tensor.view refuses these, too: the first two as ambiguous, the others as invalid for the size.
  it.each([
    [[0, 6], [-1, 0], 0],
    [[0], [0, -1, 2], 0],
    [[2, 6], [-1, 5], 12],
    [[2, 6], [-1, 0], 12],
  ])('of %j as %j is refused', (from, shape, elements) => {
    expect(() => Tensor.zeros('int8', from).view(shape)).toThrow(
      `Tensor.view: no single extent can take the place of -1 in [${shape.join(', ')}] for ${elements} elements`,
    );
  });
});
