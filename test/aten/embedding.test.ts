import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { exact, testGoldens } from '../support/aten-goldens.ts';
import { packedTable } from '../support/packed-table.ts';
import { seededTensor } from '../support/steps.ts';

// Rows are copied.
describe('embedding', () => testGoldens('embedding', () => exact));

describe('octavo.embedding_byte', () => {
  const bytes = seededTensor('uint8', [7, 5], 3);
  const scales = Tensor.from('float32', [0.5, 0.25, 0.125, 1, 2, 4, 0.0625]);
  const zeroPoints = Tensor.from('float32', [1.5, 0, 255, 12.25, 3, 7, 128]);
  const table = packedTable(bytes, scales, zeroPoints);
  const run = (...args: readonly unknown[]) => {
    const operator = operators.get('octavo.embedding_byte.default');
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor;
  };

  it('dequantizes the rows that are looked up, with real zero points', () => {
    const indices = Tensor.from('int64', [6, 0, 3, 3], [2, 2]);
    const wanted = [6, 0, 3, 3].flatMap((row) =>
      bytes
        .toArray()
        .slice(row * 5, row * 5 + 5)
        .map((value) => (value - zeroPoints.toArray()[row]) * scales.toArray()[row]),
    );
    const result = run(table, indices);
    expect(result.shape).toEqual([2, 2, 5]);
    // All numbers here are exact in float32.
    expect(result.toArray()).toEqual(wanted);
  });

  it('refuses indices outside, and rows without parameters', () => {
    const at = (row: number) => Tensor.from('int64', [row]);
    expect(() => run(table, at(7))).toThrow(/index 7 is out of range/);
    expect(() => run(bytes, at(0))).toThrow('a row of bytes ends with 8 bytes of parameters, got [7, 5]');
  });

  it('refuses a table of 4 bits whose rows are too short', () => {
    const operator = operators.get('octavo.embedding_4bit.default');
    const args = Arguments.bind<Tensor>(operator.schema, [table, Tensor.from('int64', [0]), 11]);
    expect(() => operator.execute(args)).toThrow(/must be a row-major matrix of 14 columns of uint8/);
  });
});
