import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../lib/tensor/index.ts';
import { callEverywhere } from '../../support/eager-and-plan.ts';
import { anyTensor, at, expectElements, movedDtypes } from '../../support/elements.ts';

/** A call, the shape of its result, and the position of the input that each position of the result reads. */
interface Case {
  readonly target: string;
  readonly shape: readonly number[];
  readonly args: readonly unknown[];
  readonly result: readonly number[];
  readonly from: (position: readonly number[]) => readonly number[];
}

const modulo = (a: number, b: number) => ((a % b) + b) % b;

const cases: readonly Case[] = [
  {
    target: 'aten.flip.default',
    shape: [2, 3, 5],
    args: [[0, -1]],
    result: [2, 3, 5],
    from: ([i, j, k]) => [1 - i, j, 4 - k],
  },
  { target: 'aten.flip.default', shape: [4], args: [[]], result: [4], from: ([i]) => [i] },
  { target: 'aten.flipud.default', shape: [3, 2], args: [], result: [3, 2], from: ([i, j]) => [2 - i, j] },
  { target: 'aten.fliplr.default', shape: [3, 2], args: [], result: [3, 2], from: ([i, j]) => [i, 1 - j] },
  {
    target: 'aten.roll.default',
    shape: [2, 7, 6],
    args: [
      [-3, 2],
      [1, 2],
    ],
    result: [2, 7, 6],
    from: ([i, j, k]) => [i, modulo(j + 3, 7), modulo(k - 2, 6)],
  },
  { target: 'aten.roll.default', shape: [5], args: [[13]], result: [5], from: ([i]) => [modulo(i - 13, 5)] },
  {
    target: 'aten.roll.default',
    shape: [3, 4],
    args: [
      [1, 1],
      [0, 0],
    ],
    result: [3, 4],
    from: ([i, j]) => [modulo(i - 2, 3), j],
  },
  {
    target: 'aten.repeat.default',
    shape: [3, 2],
    args: [[2, 1, 3]],
    result: [2, 3, 6],
    from: ([, j, k]) => [j, k % 2],
  },
  { target: 'aten.repeat.default', shape: [3], args: [[0]], result: [0], from: () => [] },
  {
    target: 'aten.tile.default',
    shape: [2, 3],
    args: [[2]],
    result: [2, 6],
    from: ([i, j]) => [i, j % 3],
  },
  {
    target: 'aten.repeat_interleave.self_int',
    shape: [2, 3],
    args: [3, 1],
    result: [2, 9],
    from: ([i, j]) => [i, Math.floor(j / 3)],
  },
  {
    target: 'aten.repeat_interleave.self_int',
    shape: [3],
    args: [2],
    result: [6],
    from: ([i]) => [Math.floor(i / 2)],
  },
  {
    target: 'aten.reflection_pad1d.default',
    shape: [2, 3, 5],
    args: [[4, 2]],
    result: [2, 3, 11],
    from: ([i, j, k]) => [i, j, [4, 3, 2, 1, 0, 1, 2, 3, 4, 3, 2][k]],
  },
  {
    target: 'aten.reflection_pad2d.default',
    shape: [3, 4, 3],
    args: [[1, 2, 2, -1]],
    result: [3, 5, 6],
    from: ([i, j, k]) => [i, [2, 1, 0, 1, 2][j], [1, 0, 1, 2, 1, 0][k]],
  },
  {
    target: 'aten.reflection_pad3d.default',
    shape: [1, 2, 2, 3, 2],
    args: [[1, 0, 0, 1, 1, 1]],
    result: [1, 2, 4, 4, 3],
    from: ([n, c, i, j, k]) => [n, c, [1, 0, 1, 0][i], [0, 1, 2, 1][j], [1, 0, 1][k]],
  },
  {
    target: 'aten.replication_pad1d.default',
    shape: [2, 3],
    args: [[2, 4]],
    result: [2, 9],
    from: ([i, j]) => [i, Math.min(Math.max(j - 2, 0), 2)],
  },
  {
    target: 'aten.replication_pad2d.default',
    shape: [2, 3, 4, 5],
    args: [[3, -1, -2, 7]],
    result: [2, 3, 9, 7],
    from: ([n, c, i, j]) => [n, c, Math.min(i + 2, 3), Math.min(Math.max(j - 3, 0), 4)],
  },
  {
    target: 'aten.replication_pad3d.default',
    shape: [2, 2, 3, 2],
    args: [[1, 1, 0, 2, 1, 0]],
    result: [2, 3, 5, 4],
    from: ([c, i, j, k]) => [c, Math.max(i - 1, 0), Math.min(j, 2), Math.min(Math.max(k - 1, 0), 1)],
  },
  {
    target: 'aten._pad_circular.default',
    shape: [2, 3, 4],
    args: [[3, 2, 1, 0]],
    result: [2, 4, 9],
    from: ([i, j, k]) => [i, modulo(j - 1, 3), modulo(k - 3, 4)],
  },
  {
    target: 'aten.pad.default',
    shape: [2, 3, 4],
    args: [[1, 1], 'circular'],
    result: [2, 3, 6],
    from: ([i, j, k]) => [i, j, modulo(k - 1, 4)],
  },
  {
    target: 'aten.pad.default',
    shape: [2, 3, 4],
    args: [[3, 0], 'reflect'],
    result: [2, 3, 7],
    from: ([i, j, k]) => [i, j, Math.abs(k - 3)],
  },
  {
    target: 'aten.pad.default',
    shape: [2, 3, 4],
    args: [[0, 2], 'replicate'],
    result: [2, 3, 6],
    from: ([i, j, k]) => [i, j, Math.min(k, 3)],
  },
];

describe('elements by tables', () => {
  cases.forEach(({ target, shape, args, result, from }, i) => {
    it(`${i}: ${target} of [${shape.join(', ')}]`, () => {
      for (const dtype of movedDtypes) {
        const x = anyTensor(dtype, shape, i + 1);
        const actual = callEverywhere(target, [x, ...args]) as Tensor;
        expectElements(actual, dtype, result, (position) => at(x, from(position)));
      }
    });
  });

  const x = anyTensor('float32', [2, 3, 4]);
  const wrong: [string, readonly unknown[], RegExp][] = [
    ['aten.flip.default', [x, [1, 1]], /flip.*axis appears twice in \[1, 1\]/],
    ['aten.roll.default', [x, [1], [0, 1]], /roll.*\[1\].*\[0, 1\].*equally many/],
    ['aten.repeat.default', [x, [2]], /repeat.*3 extents need as many repeats, got \[2\]/],
    ['aten.repeat.default', [x, [1, 1, -1]], /negative repeats/],
    ['aten.repeat_interleave.self_int', [x, 2], /3 extents needs 'dim'/],
    ['aten.reflection_pad1d.default', [x, [4, 0]], /padding by 4 needs a longer extent than 4 \(axis 2/],
    ['aten._pad_circular.default', [x, [5, 0]], /padding by 5 needs a longer extent than 4/],
    ['aten.replication_pad2d.default', [anyTensor('float32', [2, 3]), [1, 1, 1, 1]], /3 or 4 extents/],
    ['aten.replication_pad1d.default', [x, [-3, -2]], /nothing of \[2, 3, 4\] is left/],
    ['aten.pad.default', [x, [1, 1], 'mirror'], /mode must be.*got 'mirror'/],
  ];
  wrong.forEach(([target, args, message], i) => {
    it(`wrong ${i}: ${target} says ${message}`, () =>
      expect(() => callEverywhere(target, args)).toThrow(message));
  });
});

describe('constant padding', () => {
  it('of every dtype, cutting where amounts are negative', () => {
    const bits = { bfloat16: 0x4040, float16: 0x4200 } as Record<string, number>;
    for (const dtype of movedDtypes) {
      const x = anyTensor(dtype, [2, 3, 4]);
      const fill = dtype === 'bool' ? 1 : (bits[dtype] ?? 3);
      const actual = callEverywhere('aten.constant_pad_nd.default', [x, [-1, 2, 1, 0], 3]);
      expectElements(actual, dtype, [2, 4, 5], ([i, j, k]) =>
        j < 1 || k > 2 ? fill : at(x, [i, j - 1, k + 1]),
      );
    }
  });

  it('refuses values that a dtype does not have', () => {
    const pad = (dtype: 'uint8' | 'int64', value: number) =>
      callEverywhere('aten.constant_pad_nd.default', [anyTensor(dtype, [2]), [1, 0], value]);
    expect(() => pad('uint8', 256)).toThrow(/uint8 has no value 256/);
    expect(() => pad('int64', 0.5)).toThrow(/int64 has no value 0.5/);
    expect(() => pad('int64', Number.NEGATIVE_INFINITY)).toThrow(/int64 has no value -inf/);
  });
});
