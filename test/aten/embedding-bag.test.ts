import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, type RuntimeValue } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { packedTable } from '../support/packed-table.ts';
import { seededTensor } from '../support/steps.ts';

const run = (target: string, ...args: readonly unknown[]): RuntimeValue => {
  const operator = operators.get(target);
  return operator.execute(Arguments.bind<Tensor>(operator.schema, args));
};
const integers = (values: readonly number[]) => Tensor.from('int64', values);

const bytes = seededTensor('uint8', [9, 5], 3);
const scales = Tensor.from('float32', [0.5, 0.25, 0.125, 1, 2, 4, 0.0625, 1, 1]);
const zeroPoints = Tensor.from('float32', [1.5, 0, 255, 12.25, 3, 7, 128, 0, 0]);
const real = bytes
  .toArray()
  .map((value, i) => (value - zeroPoints.toArray()[Math.floor(i / 5)]) * scales.toArray()[Math.floor(i / 5)]);
const table = Tensor.from('float32', real, [9, 5]);
const packed = packedTable(bytes, scales, zeroPoints);

const rows = [8, 0, 0, 5, 3, 6, 2];
const weights = Tensor.from('float32', [1, 0.5, -2, 3, 0.25, 1, 4]);
/** Bags of three, none, one and three rows. */
const starts = [0, 3, 3, 4];

/** The bags in float64. */
function bags(mean: boolean, weighted: boolean): number[] {
  return starts.flatMap((begin, bag) => {
    const members = rows.slice(begin, starts[bag + 1] ?? rows.length);
    return Array.from({ length: 5 }, (_, column) => {
      const values = members.map(
        (row, i) => real[row * 5 + column] * (weighted ? weights.toArray()[begin + i] : 1),
      );
      const sum = values.reduce((a, b) => a + b, 0);
      return mean && members.length > 0 ? sum / members.length : sum;
    });
  });
}

const expectBags = (result: Tensor, wanted: readonly number[]) => {
  expect(result.shape).toEqual([4, 5]);
  // Few float32 roundings of values below 4096.
  for (const [i, value] of wanted.entries())
    expect(Math.abs(result.toArray()[i] - value)).toBeLessThanOrEqual(1e-3);
};

describe('embedding bags', () => {
  it.each([
    { mode: 0, weighted: false, last: false },
    { mode: 0, weighted: true, last: false },
    { mode: 1, weighted: false, last: true },
  ])('mode $mode, weighted: $weighted, with a last offset: $last', ({ mode, weighted, last }) => {
    const [indices, offsets] = [integers(rows), integers(last ? [...starts, rows.length] : starts)];
    const wanted = bags(mode === 1, weighted);
    const factors = weighted ? weights : null;
    const float = run(
      'aten.embedding_bag.padding_idx',
      ...[table, indices, offsets, false, mode, false, factors, last, null],
    ) as Tensor[];
    expectBags(float[0], wanted);
    expect(float.slice(1).map(({ shape }) => shape)).toEqual([[0], [0], [0]]);
    expectBags(
      run('octavo.embedding_bag_byte.default', ...[packed, indices, offsets, mode, factors, last]) as Tensor,
      wanted,
    );
  });

  it.each<[string, readonly number[], readonly number[], RegExp]>([
    ['a row outside', [9], [0], /index 9 is out of range for a table of 9 rows/],
    ['offsets that fall', [0, 1, 2], [0, 2, 1], /offset 2 is 1/],
    ['an offset behind the indices', [0, 1], [0, 3], /within 2 indices; offset 1 is 3/],
    ['a first offset that is not 0', [0, 1], [1], /offset 0 is 1/],
  ])('refuse %s', (_, indices, offsets, message) => {
    const args = [packed, integers(indices), integers(offsets), 0, null, false];
    expect(() => run('octavo.embedding_bag_byte.default', ...args)).toThrow(message);
  });

  it('have a padding row, counted from the end of the table where negative, that belongs to none of them', () => {
    const of = (...args: readonly unknown[]) =>
      (run('aten.embedding_bag.padding_idx', table, integers(rows), ...args) as Tensor[])[0];
    const without = rows.map((row, i) => [row, i]).filter(([row]) => row !== 0);
    const starting = starts.map((begin) => without.filter(([, i]) => i < begin).length);
    for (const mode of [0, 1, 2]) {
      const rest = [false, mode, false, null, false];
      const plain = (
        run(
          'aten.embedding_bag.padding_idx',
          ...[table, integers(without.map(([row]) => row)), integers(starting), ...rest, null],
        ) as Tensor[]
      )[0];
      expect(of(integers(starts), ...rest, 0).toArray()).toEqual(plain.toArray());
      expect(of(integers(starts), ...rest, -9).toArray()).toEqual(plain.toArray());
    }
    expect(() => of(integers(starts), false, 0, false, null, false, 9)).toThrow(
      /padding_idx 9 is out of range/,
    );
  });

  it('have a greatest element a column, 0 without rows', () => {
    const args = [table, integers(rows), integers(starts), false, 2, false, null, false, null];
    const [result] = run('aten.embedding_bag.padding_idx', ...args) as Tensor[];
    const wanted = starts.flatMap((begin, bag) => {
      const members = rows.slice(begin, starts[bag + 1] ?? rows.length);
      return [0, 1, 2, 3, 4].map((column) =>
        members.length === 0 ? 0 : Math.max(...members.map((row) => real[row * 5 + column])),
      );
    });
    expect(result.toArray()).toEqual(wanted);
  });

  it('refuse another mode', () => {
    const args = [table, integers(rows), integers(starts), false, 3, false, null, false, null];
    expect(() => run('aten.embedding_bag.padding_idx', ...args)).toThrow(/mode must be 0 \(sum\), 1/);
  });
});
