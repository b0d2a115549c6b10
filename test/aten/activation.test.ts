import { describe, expect, it } from 'vitest';
import { Tensor } from '../../lib/tensor/index.ts';
import { testGoldens } from '../support/aten-goldens.ts';
import { runStep } from '../support/steps.ts';

// Polynomial approximations of exp, erf and tanh: a few units in the last place of float32 on either side, and where
// the function goes through zero that is relative to the intermediate values (of size 1), not to the result.
describe('activations', () => testGoldens('activation', () => ({ absolute: 2e-6, relative: 4e-6 })));

const compute = (attributes: { readonly algorithm: string }, values: ArrayLike<number>) => {
  const x = Tensor.from('float32', values);
  return runStep({ op: 'eltwise', attributes }, [x], [x]).results[0].toArray();
};

describe('NaN', () => {
  it.each([
    { algorithm: 'abs' },
    { algorithm: 'clip', alpha: -1, beta: 1 },
    { algorithm: 'divide', alpha: 3 },
    { algorithm: 'elu', alpha: 1 },
    { algorithm: 'exp' },
    { algorithm: 'gelu_erf' },
    { algorithm: 'gelu_tanh' },
    { algorithm: 'hardsigmoid' },
    { algorithm: 'hardswish' },
    { algorithm: 'leaky_relu', alpha: 0.1 },
    { algorithm: 'linear', alpha: 2, beta: 1 },
    { algorithm: 'log' },
    { algorithm: 'mish' },
    { algorithm: 'pow', alpha: 1, beta: 1.5 },
    { algorithm: 'relu' },
    { algorithm: 'sigmoid' },
    { algorithm: 'sqrt' },
    { algorithm: 'swish', alpha: 1 },
    { algorithm: 'tanh' },
  ])('stays NaN in $algorithm, and next to numbers', (attributes) => {
    // More than a vector of any instruction set, and a rest.
    const values = Array.from({ length: 39 }, (_, i) => (i % 3 === 0 ? Number.NaN : i / 8));
    expect(compute(attributes, values).map(Number.isNaN)).toEqual(values.map(Number.isNaN));
  });
});

/** How far a float32 is from a number that is none, in units in the last place of normal numbers. */
function unitsApart(value: number, wanted: number): number {
  if (Object.is(value, Math.fround(wanted))) return 0;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(wanted))));
  return Math.abs(value - wanted) / 2 ** (exponent - 23);
}

describe('exp and log', () => {
  // Every bit pattern that ends so: all exponents, subnormal numbers, both signs.
  const patterns = Uint32Array.from({ length: 2 ** 16 }, (_, i) => (i << 16) | ((i * 40503) & 0xffff));
  const everywhere = new Float32Array(patterns.buffer).filter((x) => !Number.isNaN(x));
  const around1 = Float32Array.from({ length: 4096 }, (_, i) => 1 + (i - 2048) / 4096);

  it.each([
    ['exp', Math.exp],
    ['log', Math.log],
  ])('%s is within 2 units in the last place of float64’s', (algorithm, reference) => {
    for (const values of [everywhere, around1]) {
      const results = compute({ algorithm }, values);
      results.forEach((result, i) => {
        const wanted = reference(values[i]);
        // e^x has no subnormal results: 0 instead.
        if (algorithm === 'exp' && wanted < 2 ** -125) expect(result).toBeLessThanOrEqual(2 ** -125);
        else if (!(unitsApart(result, wanted) <= 2)) expect.fail(`${algorithm}(${values[i]}) is ${result}`);
      });
    }
  });

  it('are exact where PyTorch’s are', () => {
    expect(compute({ algorithm: 'exp' }, [0, -Infinity, Infinity, 88.73, 1000, -1000])).toEqual(
      [1, 0, Infinity, Infinity, Infinity, 0], // Overflow begins at 88.7228.
    );
    expect(compute({ algorithm: 'log' }, [1, 0, -0, Infinity, -1, -Infinity])).toEqual([
      0,
      -Infinity,
      -Infinity,
      Infinity,
      Number.NaN,
      Number.NaN,
    ]);
  });
});
