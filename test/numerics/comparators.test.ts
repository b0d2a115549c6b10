import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  computeCosineSimilarity,
  computeMaxError,
  computeNormalizedL2Error,
  computeSqnr,
  mseLoss,
} from '../../lib/numerics/index.ts';
import { floatToBfloat16, Tensor } from '../../lib/tensor/index.ts';

/** Written by script/goldens/numerics.py; JSON has no infinities and no NaN. */
interface Case {
  readonly shape: number[];
  readonly x: number[];
  readonly y: number[];
  readonly mse: number | string;
  readonly sqnr: number | string;
  readonly cosine: number | string;
  readonly l2: number | string;
  readonly max: number | string;
}

const cases = JSON.parse(
  readFileSync(new URL('../fixtures/numerics/comparators.json', import.meta.url), 'utf8'),
) as Case[];

/** PyTorch sums in float32: 1e-5 is some of its last bits. */
function expectClose(value: number, expected: number | string): void {
  const number = Number(expected === 'inf' ? Infinity : expected === '-inf' ? -Infinity : expected);
  if (Number.isFinite(number)) expect(Math.abs(value - number)).toBeLessThanOrEqual(1e-5 * Math.abs(number));
  else expect(value).toBe(number);
}

describe('comparators', () => {
  it('there are goldens', () => expect(cases.length).toBe(25));

  it.each(cases.map((each, i) => [i, each] as const))('case %i as in PyTorch', (_, each) => {
    const [x, y] = [each.x, each.y].map((values) => Tensor.from('float32', values, each.shape));
    expectClose(computeSqnr(x, y), each.sqnr);
    expectClose(computeNormalizedL2Error(x, y), each.l2);
    expectClose(computeCosineSimilarity(x, y), each.cosine);
    expectClose(mseLoss(x, y), each.mse);
    expectClose(computeMaxError(x, y), each.max);
  });

  it('zeros are like zeros', () => {
    const zeros = Tensor.zeros('float32', [3]);
    expect(computeSqnr(zeros, zeros)).toBe(Infinity);
    expect(computeNormalizedL2Error(zeros, zeros)).toBe(0);
  });

  it('compare numbers of other dtypes as what they are', () => {
    const floats = Tensor.from('float32', [3, -5, 7]);
    expect(computeMaxError(Tensor.from('int8', [3, -4, 7]), floats)).toBe(1);
    expect(computeMaxError(Tensor.from('int64', [3, -4, 7]), floats)).toBe(1);
    const bfloats = new Tensor('bfloat16', floatToBfloat16(Float32Array.of(3, -4, 7)), [3]);
    expect(mseLoss(bfloats, floats)).toBeCloseTo(1 / 3, 12);
  });

  it('leave out what is the same infinity in both', () => {
    const [x, y] = [
      [3, -Infinity, 4, Infinity],
      [3, -Infinity, 4.5, Infinity],
    ].map((values) => Tensor.from('float32', values));
    // |x| = 5, |x - y| = 0.5.
    expect(computeSqnr(x, y)).toBeCloseTo(20, 12);
    expect(computeMaxError(x, y)).toBe(0.5);
    expect(computeSqnr(x, x)).toBe(Infinity);
    expect(() => computeSqnr(x, Tensor.from('float32', [3, -Infinity, 4, -Infinity]))).toThrow(
      'element 3 is Infinity and, in the other, -Infinity',
    );
  });

  it('refuse what cannot be compared', () => {
    const x = Tensor.from('float32', [1, 2, 3]);
    expect(() => computeSqnr(x, x.view([3, 1]))).toThrow(
      'computeSqnr: cannot compare tensors with different shapes: [3] and [3, 1]',
    );
    expect(() => mseLoss(x, Tensor.from('float32', [1, NaN, 3]))).toThrow(
      'mseLoss: only finite numbers can be compared; element 1 is 2 and, in the other, NaN',
    );
    expect(() => computeSqnr(Tensor.from('float32', [1, 2, Infinity]), x)).toThrow('element 2 is Infinity');
    expect(() => computeSqnr(Tensor.zeros('float32', [0]), Tensor.zeros('float32', [0]))).toThrow(
      'computeSqnr: tensors of shape [0] have no elements',
    );
    const half = new Tensor('float16', new Uint16Array(3), [3]);
    expect(() => computeSqnr(half, x)).toThrow('float16 is not compared; convert to float32 first');
  });
});
