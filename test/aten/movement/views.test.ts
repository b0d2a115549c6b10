import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../lib/tensor/index.ts';
import { callEverywhere } from '../../support/eager-and-plan.ts';
import { anyTensor, at, expectElements } from '../../support/elements.ts';

interface Case {
  readonly target: string;
  readonly shape: readonly number[];
  readonly args: readonly unknown[];
  /** Of each result its shape, and the position of the input that each position reads. */
  readonly results: readonly (readonly [
    shape: readonly number[],
    from: (position: readonly number[]) => readonly number[],
  ])[];
}

const swapped = [[3, 2, 4], ([i, j, k]: readonly number[]) => [j, i, k]] as const;
const last = [[2, 4, 3], ([i, j, k]: readonly number[]) => [i, k, j]] as const;
/** The part of [2, 7] that begins at a column. */
const columns = (begin: number, count: number) =>
  [[2, count], ([i, j]: readonly number[]) => [i, begin + j]] as const;
const rows = (begin: number, count: number) =>
  [[count, 3, 2], ([i, j, k]: readonly number[]) => [begin + i, j, k]] as const;

const cases: readonly Case[] = [
  { target: 'aten.swapaxes.default', shape: [2, 3, 4], args: [0, -2], results: [swapped] },
  { target: 'aten.swapdims.default', shape: [2, 3, 4], args: [1, 0], results: [swapped] },
  { target: 'aten.mT.default', shape: [2, 3, 4], args: [], results: [last] },
  { target: 'aten.mH.default', shape: [2, 3, 4], args: [], results: [last] },
  { target: 'aten.adjoint.default', shape: [2, 3, 4], args: [], results: [last] },
  { target: 'aten.transpose_copy.int', shape: [2, 3, 4], args: [0, 1], results: [swapped] },
  {
    target: 'aten.movedim.int',
    shape: [2, 3, 4],
    args: [0, 2],
    results: [[[3, 4, 2], ([i, j, k]) => [k, i, j]]],
  },
  {
    target: 'aten.movedim.intlist',
    shape: [2, 3, 4, 5],
    args: [
      [0, -1],
      [-1, 0],
    ],
    results: [[[5, 3, 4, 2], ([i, j, k, l]) => [l, j, k, i]]],
  },
  {
    target: 'aten.moveaxis.intlist',
    shape: [2, 3, 4, 5],
    args: [[2], [0]],
    results: [[[4, 2, 3, 5], ([i, j, k, l]) => [j, k, i, l]]],
  },
  {
    target: 'aten.tensor_split.sections',
    shape: [2, 7],
    args: [3, 1],
    results: [columns(0, 3), columns(3, 2), columns(5, 2)],
  },
  {
    target: 'aten.tensor_split.indices',
    shape: [2, 7],
    args: [[2, -1, 9], -1],
    results: [columns(0, 2), columns(2, 4), columns(6, 1), columns(7, 0)],
  },
  { target: 'aten.hsplit.int', shape: [2, 6], args: [2], results: [columns(0, 3), columns(3, 3)] },
  { target: 'aten.hsplit.array', shape: [2, 7], args: [[5]], results: [columns(0, 5), columns(5, 2)] },
  { target: 'aten.vsplit.int', shape: [4, 3, 2], args: [2], results: [rows(0, 2), rows(2, 2)] },
  { target: 'aten.unsafe_chunk.default', shape: [5, 3, 2], args: [2], results: [rows(0, 3), rows(3, 2)] },
  { target: 'aten.split.sizes', shape: [5, 3, 2], args: [[1, 4]], results: [rows(0, 1), rows(1, 4)] },
  {
    target: 'aten.dsplit.array',
    shape: [1, 2, 3],
    args: [[1]],
    results: [
      [[1, 2, 1], ([i, j]) => [i, j, 0]],
      [[1, 2, 2], ([i, j, k]) => [i, j, k + 1]],
    ],
  },
  {
    target: 'aten.unfold.default',
    shape: [2, 7, 3],
    args: [1, 3, 2],
    results: [[[2, 3, 3, 3], ([i, j, k, l]) => [i, 2 * j + l, k]]],
  },
  {
    target: 'aten.unfold.default',
    shape: [5],
    args: [-1, 5, 1],
    results: [[[1, 5], ([, j]) => [j]]],
  },
  {
    target: 'aten.diagonal.default',
    shape: [3, 4],
    args: [],
    results: [[[3], ([i]) => [i, i]]],
  },
  {
    target: 'aten.diagonal.default',
    shape: [3, 2, 5],
    args: [2, 0, 2],
    results: [[[2, 3], ([i, j]) => [j, i, j + 2]]],
  },
  {
    target: 'aten.diagonal.default',
    shape: [4, 3],
    args: [-2, -2, -1],
    results: [[[2], ([i]) => [i + 2, i]]],
  },
  { target: 'aten.diagonal.default', shape: [3, 3], args: [5], results: [[[0], () => []]] },
  {
    target: 'octavo.windows.default',
    shape: [1, 2, 6, 5],
    args: [
      [2, 3],
      [2, 1],
      [1, 2],
    ],
    results: [[[1, 2, 2, 3, 4, 2], ([n, c, i, j, y, x]) => [n, c, y + 2 * i, 2 * x + j]]],
  },
  {
    target: 'aten.broadcast_to.default',
    shape: [3, 1],
    args: [[2, 3, 4]],
    results: [[[2, 3, 4], ([, j]) => [j, 0]]],
  },
  { target: 'aten.ravel.default', shape: [2, 3], args: [], results: [[[6], ([i]) => [i / 3, i % 3]]] },
  { target: 'aten.atleast_1d.default', shape: [], args: [], results: [[[1], () => []]] },
  { target: 'aten.atleast_2d.default', shape: [3], args: [], results: [[[1, 3], ([, j]) => [j]]] },
  { target: 'aten.atleast_3d.default', shape: [3], args: [], results: [[[1, 3, 1], ([, j]) => [j]]] },
  {
    target: 'aten.atleast_3d.default',
    shape: [3, 2],
    args: [],
    results: [[[3, 2, 1], ([i, j]) => [i, j]]],
  },
  {
    target: 'aten.select_copy.int',
    shape: [2, 3],
    args: [1, -1],
    results: [[[2], ([i]) => [i, 2]]],
  },
  {
    target: 'aten.slice_copy.Tensor',
    shape: [7],
    args: [0, 1, 6, 2],
    results: [[[3], ([i]) => [1 + 2 * i]]],
  },
];

describe('views', () => {
  cases.forEach(({ target, shape, args, results }, i) => {
    it(`${i}: ${target} of [${shape.join(', ')}]`, () => {
      for (const dtype of ['int64', 'float32', 'float16', 'bool'] as const) {
        const x = anyTensor(dtype, shape, i + 1);
        const actual = [callEverywhere(target, [x, ...args])].flat() as Tensor[];
        expect(actual).toHaveLength(results.length);
        results.forEach(([result, from], k) => {
          expectElements(actual[k], dtype, result, (position) => at(x, from(position).map(Math.floor)));
        });
      }
    });
  });

  it('of the shape of another tensor', () => {
    const x = anyTensor('int8', [2, 6]);
    for (const target of ['aten.view_as.default', 'aten.reshape_as.default'])
      expectElements(callEverywhere(target, [x, anyTensor('bool', [3, 4])]), 'int8', [3, 4], ([i, j]) =>
        at(x, [Math.floor((4 * i + j) / 6), (4 * i + j) % 6]),
      );
  });

  const x = anyTensor('float32', [2, 3, 4]);
  const wrong: [string, readonly unknown[], RegExp][] = [
    ['aten.unfold.default', [x, 1, 4, 1], /windows of 4 do not fit an extent of 3/],
    ['aten.diagonal.default', [x, 0, 1, -2], /dim1 and dim2 are both axis 1/],
    ['aten.movedim.intlist', [x, [0, 0], [1, 2]], /'source' names an axis twice/],
    ['aten.movedim.intlist', [x, [0], [1, 2]], /equally many/],
    ['aten.hsplit.int', [x, 2], /2 sections do not divide an extent of 3/],
    ['aten.dsplit.int', [anyTensor('float32', [2, 3]), 2], /at least 3 extents/],
    ['octavo.windows.default', [anyTensor('float32', [1, 1, 2, 2]), 3, 1, 1], /\[3, 3\] do not fit/],
  ];
  wrong.forEach(([target, args, message], i) => {
    it(`wrong ${i}: ${target} says ${message}`, () =>
      expect(() => callEverywhere(target, args)).toThrow(message));
  });
});
