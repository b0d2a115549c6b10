import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { exact, testGoldens } from '../support/aten-goldens.ts';
import { seededTensor } from '../support/steps.ts';

// Rows are copied.
describe('embedding', () => testGoldens('embedding', () => exact));

describe('octavo.embedding', () => {
  const table = seededTensor('uint8', [7, 5], 3);
  const scales = Tensor.from('float32', [0.5, 0.25, 0.125, 1, 2, 4, 0.0625]);
  const zeroPoints = Tensor.from('float32', [1.5, 0, 255, 12.25, 3, 7, 128]);
  const run = (...args: readonly unknown[]) => {
    const operator = operators.get('octavo.embedding.default');
    return operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor;
  };

  it('dequantizes the rows that are looked up, with real zero points', () => {
    const indices = Tensor.from('int64', [6, 0, 3, 3], [2, 2]);
    const wanted = [6, 0, 3, 3].flatMap((row) =>
      table
        .toArray()
        .slice(row * 5, row * 5 + 5)
        .map((value) => (value - zeroPoints.toArray()[row]) * scales.toArray()[row]),
    );
    const result = run(table, scales, zeroPoints, indices);
    expect(result.shape).toEqual([2, 2, 5]);
    // All numbers here are exact in float32.
    expect(result.toArray()).toEqual(wanted);
  });

  it('refuses indices outside, and parameters that are too few', () => {
    const at = (row: number) => Tensor.from('int64', [row]);
    expect(() => run(table, scales, zeroPoints, at(7))).toThrow(/index 7 is out of range/);
    expect(() => run(table, Tensor.from('float32', [1]), zeroPoints, at(0))).toThrow(/scales: 7 contiguous/);
  });
});
