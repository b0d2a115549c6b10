import { describe, expect, it } from 'vitest';
import { Dataset } from '../../lib/cli/dataset.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const x = Tensor.from('uint8', [1, 2, 3, 4, 5, 6], [3, 2]);
const plain = { scale: 1, mean: [0], std: [1] };

describe('Dataset', () => {
  it('gives batches in order, the last one smaller', () => {
    const dataset = new Dataset(
      new Map([
        ['x', x],
        ['y', Tensor.from('uint8', [7, 8, 9])],
      ]),
      'data.npz',
    );
    const batches = [...dataset.batches(2, plain)];
    expect(batches.map(({ shape }) => shape)).toEqual([
      [2, 2],
      [1, 2],
    ]);
    expect(batches.flatMap((batch) => batch.toArray())).toEqual([1, 2, 3, 4, 5, 6]);
    expect(dataset.labels).toEqual([7, 8, 9]);
  });

  it.each([
    [{ a: x }, "data.npz: there is no array 'x'; it has a"],
    [{ x: Tensor.zeros('int64', [2]) }, "'x' must be uint8 or float32, it is int64"],
    [{ x: Tensor.zeros('uint8', [0, 3]) }, "'x' is empty"],
    [{ x, y: Tensor.from('uint8', [1, 2]) }, "'y' must have shape [3] as 'x' has, it has [2]"],
  ])('refuses %#', (arrays, message) => {
    expect(() => new Dataset(new Map(Object.entries(arrays)), 'data.npz')).toThrow(message);
  });
});
