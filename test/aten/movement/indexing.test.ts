import { describe, expect, it } from 'vitest';
import { type DType, Tensor } from '../../../lib/tensor/index.ts';
import { callEverywhere } from '../../support/eager-and-plan.ts';
import { anyTensor, at, expectElements, movedDtypes } from '../../support/elements.ts';
import { seededIntegers } from '../../support/steps.ts';

const numel = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/** Seeded positions along an extent. */
const positions = (shape: readonly number[], extent: number) =>
  Tensor.from('int64', seededIntegers(numel(shape), 0, extent - 1, 9), shape);

/** The same, some of them counted from its end. */
const indices = (shape: readonly number[], extent: number, dtype: DType = 'int64') =>
  Tensor.from(dtype, seededIntegers(numel(shape), -extent, extent - 1, 9), shape);

/** The position that an index tensor holds. */
const chosen = (index: Tensor, position: readonly number[], extent: number) => {
  const value = at(index, position);
  return value < 0 ? value + extent : value;
};

/** A row of the case table: what is called with the tensor, and the position that each result's position reads. */
interface Case {
  readonly target: string;
  readonly shape: readonly number[];
  readonly args: readonly unknown[];
  readonly result: readonly number[];
  readonly from: (position: readonly number[]) => readonly number[];
}

const [along1, along2, along0] = [positions([2, 4, 5], 3), positions([2, 3, 6], 5), positions([7, 2, 5], 2)];
const [row, wide, column] = [indices([4], 3, 'int32'), indices([2, 1], 2), indices([3], 5)];
const rows = positions([4], 3);
const some = indices([4, 3], 5);
const broadcast = positions([1, 6, 1], 3);

const cases: readonly Case[] = [
  {
    target: 'aten.gather.default',
    shape: [2, 3, 5],
    args: [1, along1],
    result: [2, 4, 5],
    from: ([i, j, k]) => [i, at(along1, [i, j, k]), k],
  },
  {
    target: 'aten.gather.default',
    shape: [2, 3, 5],
    args: [-1, along2],
    result: [2, 3, 6],
    from: ([i, j, k]) => [i, j, at(along2, [i, j, k])],
  },
  {
    // Shorter than the tensor along an axis that is not gathered.
    target: 'aten.gather.default',
    shape: [2, 3, 5],
    args: [0, along0],
    result: [7, 2, 5],
    from: ([i, j, k]) => [at(along0, [i, j, k]), j, k],
  },
  {
    target: 'aten.take_along_dim.default',
    shape: [2, 3, 5],
    args: [broadcast, 1],
    result: [2, 6, 5],
    from: ([i, j, k]) => [i, at(broadcast, [0, j, 0]), k],
  },
  {
    target: 'aten.take_along_dim.default',
    shape: [1, 3, 5],
    args: [along2, -1],
    result: [2, 3, 6],
    from: ([i, j, k]) => [0, j, at(along2, [i, j, k])],
  },
  {
    target: 'aten.index_select.default',
    shape: [2, 3, 5],
    args: [1, rows],
    result: [2, 4, 5],
    from: ([i, j, k]) => [i, at(rows, [j]), k],
  },
  {
    target: 'aten.index_select.default',
    shape: [3, 2],
    args: [0, Tensor.scalar('int64', 2)],
    result: [1, 2],
    from: ([, j]) => [2, j],
  },
  {
    target: 'aten.index.Tensor',
    shape: [2, 3, 5],
    args: [[null, row]],
    result: [2, 4, 5],
    from: ([i, j, k]) => [i, chosen(row, [j], 3), k],
  },
  {
    target: 'aten.index.Tensor',
    shape: [5, 7],
    args: [[some]],
    result: [4, 3, 7],
    from: ([i, j, k]) => [chosen(some, [i, j], 5), k],
  },
  {
    // Neighbours: their common extents are where they are.
    target: 'aten.index.Tensor',
    shape: [4, 2, 5, 3],
    args: [[null, wide, column]],
    result: [4, 2, 3, 3],
    from: ([n, i, j, k]) => [n, chosen(wide, [i, 0], 2), chosen(column, [j], 5), k],
  },
  {
    // Apart: their common extents come first.
    target: 'aten.index.Tensor',
    shape: [2, 4, 5],
    args: [[wide, null, column]],
    result: [2, 3, 4],
    from: ([i, j, k]) => [chosen(wide, [i, 0], 2), k, chosen(column, [j], 5)],
  },
  {
    target: 'aten._unsafe_index.Tensor',
    shape: [3, 2, 3],
    args: [[null, Tensor.from('int64', [1, 0], [2, 1]), Tensor.from('int64', [2, 2, 0])]],
    result: [3, 2, 3],
    from: ([n, i, j]) => [n, [1, 0][i], [2, 2, 0][j]],
  },
  {
    target: 'aten.index_select.default',
    shape: [3, 2],
    args: [0, Tensor.from('int64', [])],
    result: [0, 2],
    from: () => [],
  },
];

describe('elements that indices choose', () => {
  cases.forEach(({ target, shape, args, result, from }, i) => {
    it(`${i}: ${target} of [${shape.join(', ')}]`, () => {
      for (const dtype of movedDtypes) {
        const x = anyTensor(dtype, shape, i + 1);
        const actual = callEverywhere(target, [x, ...args]) as Tensor;
        expectElements(actual, dtype, result, (position) => at(x, from(position)));
      }
    });
  });

  it('of more elements than a thread handles at a time', () => {
    const x = anyTensor('float32', [300, 64]);
    const index = indices([700], 300);
    expectElements(callEverywhere('aten.index.Tensor', [x, [index]]), 'float32', [700, 64], ([i, j]) =>
      at(x, [chosen(index, [i], 300), j]),
    );
    const each = positions([300, 64], 64);
    expectElements(callEverywhere('aten.gather.default', [x, 1, each]), 'float32', [300, 64], ([i, j]) =>
      at(x, [i, at(each, [i, j])]),
    );
  });

  const x = anyTensor('float32', [2, 3, 5]);
  const int = (...values: number[]) => Tensor.from('int64', values);
  const wrong: [string, readonly unknown[], RegExp][] = [
    [
      'aten.gather.default',
      [x, 1, Tensor.from('int64', [3], [1, 1, 1])],
      /aten\.gather.*index 3 .* extent of 3/,
    ],
    // PyTorch counts no index of these from the end: a label of -1 is none.
    ['aten.gather.default', [x, 1, Tensor.from('int64', [-1], [1, 1, 1])], /aten\.gather.*index -1 .* of 3/],
    ['aten.take_along_dim.default', [x, Tensor.from('int64', [-1], [1, 1, 1]), 1], /index -1 .* of 3/],
    ['aten.index_select.default', [x, 1, int(0, -1)], /aten\.index_select.*index -1 .* of 3/],
    ['aten.index.Tensor', [x, [null, int(0, -4)]], /aten\.index.*index -4 .* extent of 3/],
    ['aten.gather.default', [x, 1, int(0)], /\[1\] must have as many extents as \[2, 3, 5\]/],
    ['aten.gather.default', [x, 1, indices([3, 1, 1], 3)], /longer than \[2, 3, 5\] along axis 0/],
    ['aten.gather.default', [x, 1, anyTensor('float32', [1, 1, 1])], /int64 or int32, got float32/],
    ['aten.index_select.default', [x, 2, int(0, -6)], /aten\.index_select.*index -6 .* extent of 5/],
    ['aten.index_select.default', [x, 0, indices([2, 2], 2)], /index must be a vector/],
    ['aten.index.Tensor', [x, [null, int(0), int(5)]], /aten\.index.*index 5 .* extent of 5/],
    ['aten.index.Tensor', [x, [int(0, 1), int(0, 1, 2)]], /\[2\] and \[3\] do not broadcast/],
    ['aten.index.Tensor', [x, [null, null]], /at least one index tensor/],
    ['aten.index.Tensor', [x, [anyTensor('bool', [2])]], /mask of bool.*only at run time/],
    ['aten.index.Tensor', [x, [null, null, null, int(0)]], /4 indices for \[2, 3, 5\]/],
  ];
  wrong.forEach(([target, args, message], i) => {
    it(`wrong ${i}: ${target} says ${message}`, () =>
      expect(() => callEverywhere(target, args)).toThrow(message));
  });
});
