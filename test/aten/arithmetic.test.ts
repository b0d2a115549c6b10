import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { testGoldens } from '../support/aten-goldens.ts';
import { uniform } from '../support/graph-builder.ts';

// One rounding; with a factor the product may be fused into the sum, which leaves out one of two roundings.
describe('arithmetic', () => testGoldens('arithmetic', () => ({ absolute: 3e-7, relative: 2e-7 })));

describe('division by a number', () => {
  const values = uniform([1000], -8, 8, 3);
  const divide = (x: Tensor, by: number): Tensor => {
    const operator = operators.get('aten.div.Tensor');
    return operator.execute(Arguments.bind<Tensor>(operator.schema, [x, by])) as Tensor;
  };

  // A quotient of two float32 numbers in float64, rounded to float32, is the rounded quotient.
  it.each([10, 3, -7, 0.1, 4, 1e-39, 1e38])('by %d is rounded once', (by) => {
    const wanted = Float32Array.from(values.data as Float32Array, (x) => x / Math.fround(by));
    expect(divide(values, by).data).toEqual(wanted);
  });

  it('gives 0 for 0, however small the divisor', () => {
    expect(divide(Tensor.from('float32', [0, 0]), 1e-39).toArray()).toEqual([0, 0]);
  });
});

describe('a constant without dimensions, of a dtype that is not computed in', () => {
  const x = uniform([64], 0.5, 8, 4);
  const call = (target: string, ...args: readonly unknown[]): number[] => {
    const operator = operators.get(target);
    const result = operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor;
    expect([result.dtype, result.shape]).toEqual(['float32', [64]]);
    return result.toArray().map(Number);
  };
  const half = Tensor.scalar('float64', 0.5);
  const three = Tensor.scalar('int64', 3);

  it.each<[string, Tensor, number, (a: number, b: number) => number]>([
    ['aten.add.Tensor', half, 0.5, (a, b) => a + b],
    ['aten.sub.Tensor', three, 3, (a, b) => a - b],
    ['aten.mul.Tensor', half, 0.5, (a, b) => a * b],
    ['aten.div.Tensor', three, 3, (a, b) => a / b],
  ])('%s is the number in it, on either side', (target, tensor, number, result) => {
    const values = x.toArray().map(Number);
    const close = (actual: readonly number[], expected: readonly number[]) => {
      // One rounding or two.
      for (const [i, value] of actual.entries())
        expect(Math.abs(value - expected[i])).toBeLessThan(3e-7 * Math.max(1, Math.abs(expected[i])));
    };
    close(
      call(target, x, tensor),
      values.map((value) => result(value, number)),
    );
    close(
      call(target, tensor, x),
      values.map((value) => result(number, value)),
    );
  });
});
