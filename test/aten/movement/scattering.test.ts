import { describe, expect, it } from 'vitest';
import { type DType, Tensor } from '../../../lib/tensor/index.ts';
import { callEverywhere } from '../../support/eager-and-plan.ts';
import { anyTensor, at, expectElements, movedDtypes, positionsOf } from '../../support/elements.ts';
import { seededIntegers } from '../../support/steps.ts';

const int = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  Tensor.from('int64', values, shape);

const numel = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

type Combine = (old: number, value: number) => number;

const combinations: Readonly<Record<string, Combine>> = {
  set: (_, value) => value,
  sum: (old, value) => old + value,
  mean: (old, value) => old + value,
  prod: (old, value) => old * value,
  amax: Math.max,
  amin: Math.min,
};

/** What writing does to a tensor, one element after the other. */
function written(
  self: Tensor,
  reduce: string,
  includeSelf: boolean,
  writes: readonly (readonly [position: readonly number[], value: number])[],
): number[] {
  const values = positionsOf(self.shape).map((position) => at(self, position));
  const counts = values.map(() => (includeSelf ? 1 : 0));
  for (const [position, value] of writes) {
    const i = position.reduce((sum, p, axis) => sum * self.shape[axis] + p, 0);
    values[i] = counts[i] === 0 && reduce !== 'set' ? value : combinations[reduce](values[i], value);
    counts[i]++;
  }
  if (reduce !== 'mean') return values;
  const whole = self.dtype !== 'float32' && self.dtype !== 'float64';
  return values.map((value, i) => {
    const mean = value / Math.max(counts[i], 1);
    return whole ? Math.floor(mean) : mean;
  });
}

/** Small numbers, so that sums and products are exact in every dtype. */
function small(dtype: DType, shape: readonly number[], seed: number): Tensor {
  const low = dtype === 'uint8' ? 0 : -3;
  return Tensor.from(dtype, seededIntegers(numel(shape), low, 3, seed), shape);
}

const computed = ['float32', 'float64', 'int64', 'int32', 'int16', 'int8', 'uint8'] as const;

describe('scatter_reduce', () => {
  const index = int(seededIntegers(2 * 6 * 3, 0, 3, 5), [2, 6, 3]);
  for (const reduce of ['sum', 'mean', 'prod', 'amax', 'amin'])
    for (const includeSelf of [true, false])
      it(`${reduce}, ${includeSelf ? 'with' : 'without'} the tensor's own`, () => {
        for (const dtype of computed) {
          const [self, source] = [small(dtype, [2, 4, 3], 1), small(dtype, [2, 7, 4], 2)];
          const actual = callEverywhere('aten.scatter_reduce.two', [self, 1, index, source, reduce], {
            include_self: includeSelf,
          });
          const writes = positionsOf([2, 6, 3]).map(
            ([i, j, k]) => [[i, at(index, [i, j, k]), k], at(source, [i, j, k])] as const,
          );
          const expected = Tensor.from('float64', written(self, reduce, includeSelf, writes), [2, 4, 3]);
          // Means are rounded to the dtype once.
          expectElements(actual, dtype, [2, 4, 3], (p) =>
            // Integers have no -0.
            dtype === 'float32'
              ? Math.fround(at(expected, p))
              : at(expected, p) + (dtype === 'float64' ? -0 : 0),
          );
        }
      });

  it('NaN is the greatest and the least', () => {
    for (const reduce of ['amax', 'amin']) {
      const call = (self: number[], source: number[]) =>
        callEverywhere('aten.scatter_reduce.two', [
          Tensor.from('float32', self),
          0,
          int([0, 0]),
          Tensor.from('float32', source),
          reduce,
        ]) as Tensor;
      expect(call([1], [Number.NaN, 2]).toArray()).toEqual([Number.NaN]);
      expect(call([Number.NaN], [1, 2]).toArray()).toEqual([Number.NaN]);
    }
  });

  it('sums of 16-bit floats', () => {
    // 1 + 2 and 1 + 2 + 2 in their bits.
    const cases = { bfloat16: [0x3f80, 0x4000, 0x4040, 0x40a0], float16: [0x3c00, 0x4000, 0x4200, 0x4500] };
    for (const [dtype, [one, two, three, five]] of Object.entries(cases)) {
      const of = (...bits: number[]) => new Tensor(dtype as DType, Uint16Array.from(bits), [bits.length]);
      const sums = callEverywhere('aten.scatter_add.default', [
        of(one, one, one),
        0,
        int([0, 2, 2]),
        of(two, two, two),
      ]) as Tensor;
      expect([...sums.data]).toEqual([three, one, five]);
    }
  });
});

describe('writes at indices', () => {
  it('scatter, of a tensor and of a number, in every dtype', () => {
    const index = int([2, 0, 2, 1], [2, 2]);
    for (const dtype of movedDtypes) {
      const [self, source] = [anyTensor(dtype, [3, 2], 1), anyTensor(dtype, [2, 3], 2)];
      // (2, 0), (0, 1), (2, 0) again, (1, 1): the later one stays.
      const expected = [
        ...[at(self, [0, 0]), at(source, [0, 1])],
        ...[at(self, [1, 0]), at(source, [1, 1])],
        ...[at(source, [1, 0]), at(self, [2, 1])],
      ];
      expectElements(
        callEverywhere('aten.scatter.src', [self, 0, index, source]),
        dtype,
        [3, 2],
        ([i, j]) => expected[2 * i + j],
      );
    }
    const self = anyTensor('int32', [3, 2]);
    for (const target of ['aten.scatter.value', 'aten.scatter_.value'])
      expectElements(callEverywhere(target, [self, 0, index, -7]), 'int32', [3, 2], ([i, j]) =>
        (j === 0 && i === 2) || (j === 1 && i < 2) ? -7 : at(self, [i, j]),
      );
  });

  it('older reductions', () => {
    const [self, index] = [small('float32', [4], 1), int([1, 1])];
    const call = (target: string, value: unknown, reduce: string) =>
      (callEverywhere(target, [self, 0, index, value], { reduce }) as Tensor).toArray();
    const [a, b, c, d] = self.toArray();
    expect(call('aten.scatter.reduce', Tensor.from('float32', [2, 5]), 'add')).toEqual([a, b + 7, c, d]);
    expect(call('aten.scatter.value_reduce', 3, 'multiply')).toEqual([a, b * 9, c, d]);
  });

  it('index_put: values broadcast, and accumulate if asked to', () => {
    for (const dtype of computed) {
      const self = small(dtype, [3, 4, 2], 1);
      const [rows, columns] = [int([0, 2, -3]), int([3, -1, -1])];
      const values = small(dtype, [3, 1], 4);
      for (const accumulate of [false, true]) {
        const writes = [0, 1, 2].flatMap((i) =>
          [0, 1].map((k) => [[[0, 2, 0][i], 3, k], at(values, [i, 0])] as const),
        );
        const expected = written(self, accumulate ? 'sum' : 'set', true, writes);
        for (const target of ['aten.index_put.default', 'aten.index_put_.default'])
          expectElements(
            callEverywhere(target, [self, [rows, columns], values, accumulate]),
            dtype,
            [3, 4, 2],
            ([i, j, k]) => expected[(i * 4 + j) * 2 + k],
          );
      }
    }
  });

  it('rows: index_add, index_copy, index_fill, index_reduce', () => {
    const self = small('float32', [2, 4, 3], 1);
    const index = int([3, 0, 3]);
    const source = small('float32', [2, 3, 3], 2);
    const writes = positionsOf([2, 3, 3]).map(
      ([i, j, k]) => [[i, [3, 0, 3][j], k], at(source, [i, j, k])] as const,
    );
    const expectWritten = (actual: unknown, expected: readonly number[]) =>
      expectElements(actual as Tensor, 'float32', [2, 4, 3], ([i, j, k]) => expected[(i * 4 + j) * 3 + k]);
    expectWritten(
      callEverywhere('aten.index_add.default', [self, 1, index, source]),
      written(self, 'sum', true, writes),
    );
    expectWritten(
      callEverywhere('aten.index_copy.default', [self, 1, index, source]),
      written(self, 'set', true, writes),
    );
    expectWritten(
      callEverywhere('aten.index_reduce.default', [self, -2, index, source, 'amax'], { include_self: false }),
      written(self, 'amax', false, writes),
    );
    for (const [target, value] of [
      ['aten.index_fill.int_Scalar', 9],
      ['aten.index_fill.int_Tensor', Tensor.scalar('float32', 9)],
    ] as const)
      expectWritten(
        callEverywhere(target, [self, 1, int([-1, 0, 3]), value]),
        written(
          self,
          'set',
          true,
          writes.map(([position]) => [position, 9] as const),
        ),
      );
  });

  it('parts: slice_scatter, select_scatter', () => {
    for (const dtype of movedDtypes) {
      const self = anyTensor(dtype, [3, 7, 2], 1);
      const part = anyTensor(dtype, [3, 3, 2], 2);
      expectElements(
        callEverywhere('aten.slice_scatter.default', [self, part, 1, 1, -1, 2]),
        dtype,
        [3, 7, 2],
        ([i, j, k]) => (j % 2 === 1 ? at(part, [i, (j - 1) / 2, k]) : at(self, [i, j, k])),
      );
      const row = anyTensor(dtype, [3, 2], 3);
      expectElements(
        callEverywhere('aten.select_scatter.default', [self, row, 1, -2]),
        dtype,
        [3, 7, 2],
        ([i, j, k]) => (j === 5 ? at(row, [i, k]) : at(self, [i, j, k])),
      );
    }
  });

  const x = anyTensor('float32', [2, 3]);
  const y = anyTensor('float32', [1, 2]);
  const wrong: [string, readonly unknown[], RegExp][] = [
    ['aten.scatter.src', [x, 1, int([0, 3], [1, 2]), y], /aten\.scatter.*index 3 .* extent of 3/],
    ['aten.scatter.src', [x, 1, int([0, 1, 2], [1, 3]), y], /\[1, 2\] does not cover index \[1, 3\]/],
    ['aten.scatter.src', [x, 1, int([0], [1, 1]), anyTensor('int32', [1, 1])], /float32 .*got int32/],
    ['aten.scatter_reduce.two', [x, 1, int([0], [1, 1]), y, 'median'], /reduce must be .*got 'median'/],
    ['aten.index_put.default', [x, [int([2])], y], /index_put.*\[1, 2\].*\[1, 3\].*broadcast/],
    ['aten.index_put.default', [x, [int([2])], anyTensor('float32', [3])], /index 2 .* extent of 2/],
    ['aten.index_add.default', [x, 0, int([0]), anyTensor('float32', [1, 3]), 2], /positional|alpha/],
    ['aten.slice_scatter.default', [x, y, 1, 0, 3], /\[1, 2\].*\[2, 3\]/],
    ['aten.select_scatter.default', [x, anyTensor('float32', [2]), 1, 3], /index 3 is out of range/],
    [
      'aten.scatter_add.default',
      [anyTensor('bool', [2]), 0, int([0]), anyTensor('bool', [1])],
      /bool can only be replaced/,
    ],
  ];
  // PyTorch counts an index from the end only in index_put and index_fill.
  const each = int([0, -1], [1, 2]);
  const whole = anyTensor('float32', [2, 3]);
  for (const [target, ...args] of [
    ['aten.scatter.src', each, y],
    ['aten.scatter.value', each, 5],
    ['aten.scatter.reduce', each, y, 'add'],
    ['aten.scatter.value_reduce', each, 5, 'add'],
    ['aten.scatter_add.default', each, y],
    ['aten.scatter_reduce.two', each, y, 'sum'],
    ['aten.index_add.default', int([0, -1]), whole],
    ['aten.index_copy.default', int([0, -1]), whole],
    ['aten.index_reduce.default', int([0, -1]), whole, 'amax'],
  ] as const)
    it(`${target} refuses to count from the end`, () => {
      const [index, value, reduce] = args;
      expect(() => callEverywhere(target, [x, 0, index, value], reduce ? { reduce } : {})).toThrow(
        /index -1 is out of range for an extent of 2/,
      );
    });
  wrong.forEach(([target, args, message], i) => {
    it(`wrong ${i}: ${target} says ${message}`, () =>
      expect(() => callEverywhere(target, args)).toThrow(message));
  });
});

describe('zeros by position', () => {
  it('triangles', () => {
    for (const dtype of movedDtypes)
      for (const diagonal of [-5, -1, 0, 2, 9]) {
        const x = anyTensor(dtype, [2, 4, 5]);
        expectElements(callEverywhere('aten.tril.default', [x, diagonal]), dtype, [2, 4, 5], ([n, i, j]) =>
          j - i <= diagonal ? at(x, [n, i, j]) : 0,
        );
        expectElements(callEverywhere('aten.triu.default', [x, diagonal]), dtype, [2, 4, 5], ([n, i, j]) =>
          j - i >= diagonal ? at(x, [n, i, j]) : 0,
        );
      }
  });

  it.each([[[0, 3]], [[3, 0]], [[0, 0]], [[2, 0, 3]]])('triangles of nothing, %j', (shape) => {
    const result = callEverywhere('aten.tril.default', [anyTensor('float32', shape)]) as Tensor;
    expect(result.shape).toEqual(shape);
  });

  it('one-hot rows', () => {
    const x = int([0, 3, 2, 1], [2, 2]);
    expectElements(callEverywhere('aten.one_hot.default', [x, 4]), 'int64', [2, 2, 4], ([i, j, k]) =>
      at(x, [i, j]) === k ? 1 : 0,
    );
    expect(() => callEverywhere('aten.one_hot.default', [x, 3])).toThrow(/index 3 .* extent of 3/);
    expect(() => callEverywhere('aten.one_hot.default', [int([-1]), 3])).toThrow(/index -1 .* extent of 3/);
    expect(() => callEverywhere('aten.one_hot.default', [x])).toThrow(/num_classes must be known/);
  });
});
