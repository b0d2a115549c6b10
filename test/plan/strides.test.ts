import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { channelsLastStrides, liesInOrder, viewStrides } from '../../lib/plan/orders/strides.ts';
import { numelOf, rowMajorStrides, sameStrides } from '../../lib/tensor/index.ts';

/** Memory offsets of all elements, in row-major order of the shape. */
function offsets(shape: readonly number[], strides: readonly number[]): number[] {
  let all = [0];
  shape.forEach((extent, axis) => {
    all = all.flatMap((base) => Array.from({ length: extent }, (_, i) => base + i * strides[axis]));
  });
  return all;
}

describe('strides', () => {
  it('of channels-last put the channels innermost', () => {
    expect(channelsLastStrides([2, 3, 4, 5])).toEqual([60, 1, 15, 3]);
    expect(channelsLastStrides([2, 3, 5])).toEqual([15, 1, 3]);
    expect(channelsLastStrides([2, 3])).toEqual([3, 1]);
  });

  it.each([
    [true, 'channelsLast', [2, 3, 4, 5], [60, 1, 15, 3]],
    [true, 'channelsLast', [2, 3, 4, 5], [160, 1, 40, 8]], // 3 of 8 channels
    [false, 'channelsLast', [2, 3, 4, 5], [120, 2, 30, 6]], // every other channel
    [false, 'channelsLast', [2, 1, 4, 5], [160, 99, 40, 8]],
    [true, 'channelsLast', [2, 1, 4, 5], [20, 99, 5, 1]],
    [false, 'channelsLast', [2, 3, 4, 5], [60, 20, 5, 1]],
    [false, 'channelsLast', [2, 3, 4, 5], [60, 1, 0, 3]], // one row, repeated
    [true, 'rowMajor', [2, 3, 4, 5], [120, 20, 5, 1]],
    [false, 'rowMajor', [2, 3, 4, 5], [60, 1, 15, 3]],
    [false, 'rowMajor', [3, 4], [3, 1]], // rows overlap
    [true, 'rowMajor', [], []],
  ] as const)('liesInOrder is %s for %s %j %j', (expected, layout, shape, strides) => {
    expect(liesInOrder(layout, shape, strides)).toBe(expected);
  });

  it('are the same when only extents of 1 differ', () => {
    expect(sameStrides([2, 3, 1, 1], channelsLastStrides([2, 3, 1, 1]), rowMajorStrides([2, 3, 1, 1]))).toBe(
      true,
    );
    expect(sameStrides([2, 3, 2, 1], channelsLastStrides([2, 3, 2, 1]), rowMajorStrides([2, 3, 2, 1]))).toBe(
      false,
    );
  });

  it('of a view show the elements in the same order, whenever there are such strides', () => {
    const extents = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(extents, extents, fc.nat(), (memoryShape, split, seed) => {
        // A permuted tensor, and a shape with as many elements.
        const order = memoryShape
          .map((_, i) => i)
          .sort((a, b) => ((a * 7 + seed) % 5) - ((b * 7 + seed) % 5));
        const dense = rowMajorStrides(memoryShape);
        const shape = order.map((axis) => memoryShape[axis]);
        const strides = order.map((axis) => dense[axis]);
        const numel = numelOf(shape);
        const viewShape: number[] = [];
        let left = numel;
        for (const extent of split)
          if (left % extent === 0) {
            viewShape.push(extent);
            left /= extent;
          }
        viewShape.push(left);
        const view = viewStrides(shape, strides, viewShape);
        if (view) expect(offsets(viewShape, view)).toEqual(offsets(shape, strides));
      }),
      { seed: 3, numRuns: 1000 },
    );
  });

  it.each([
    // [shape, strides, view, expected]: what PyTorch's Tensor.view gives, or refuses (undefined).
    [
      [2, 3, 4],
      [12, 4, 1],
      [6, 4],
      [4, 1],
    ],
    [
      [4, 2, 3],
      [1, 12, 4],
      [4, 6],
      [1, 4],
    ],
    [[4, 2, 3], [1, 12, 4], [8, 3], undefined],
    [[2, 3, 4, 4], [48, 1, 12, 3], [2, 48], undefined],
    [
      [2, 3, 4, 4],
      [48, 1, 12, 3],
      [2, 3, 16],
      [48, 1, 3],
    ],
    [
      [2, 3, 1, 1],
      [3, 1, 3, 3],
      [2, 3],
      [3, 1],
    ],
    [
      [6, 4],
      [4, 1],
      [2, 3, 2, 2],
      [12, 4, 2, 1],
    ],
    [[3, 1, 2], [2, 9, 1], [6], [1]],
    [[3], [0], [3, 1], [0, 0]],
  ])('of %j %j viewed as %j are %j', (shape, strides, view, expected) => {
    const found = viewStrides(shape, strides, view);
    if (expected === undefined) expect(found).toBeUndefined();
    else {
      expect(found).toBeDefined();
      expect(sameStrides(view, found!, expected)).toBe(true);
    }
  });
});
