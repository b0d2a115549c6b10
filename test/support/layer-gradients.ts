import { expect } from 'vitest';
import type { Tensor } from '../../lib/tensor/index.ts';
import { type GradientCase, gradientsOf, sampled } from './gradients.ts';
import { build, execute } from './run-plan.ts';
import { relativeError } from './spatial.ts';

/** A layer's gradients, as the interpreter and as a plan compute them, against central differences of its float64 reference. */
export function checkLayer(layer: GradientCase): void {
  const { module, inputs, actual, expected } = gradientsOf(layer, 11);
  const check = (gradients: readonly Tensor[]) => {
    expect(gradients).toHaveLength(expected.length);
    gradients.forEach((gradient, i) => {
      // The graph computes in float32: sums of up to some hundred products round to 1e-6 of the largest gradient.
      expect(relativeError(sampled(gradient), expected[i])).toBeLessThan(5e-6);
    });
  };
  check(actual);
  check(execute(build(module), inputs));
}

/** The same in float64, for operators that compute in it. */
export function checkFunction(testCase: GradientCase): void {
  const { module, inputs, actual, expected } = gradientsOf(testCase, 7);
  for (const gradients of [actual, execute(build(module), inputs)]) {
    expect(gradients).toHaveLength(expected.length);
    gradients.forEach((gradient, i) => {
      // Central differences with steps of 1e-5 are off by their square times the third derivative, and by rounding: 1e-16 / 1e-5.
      expect(relativeError(sampled(gradient), expected[i])).toBeLessThan(1e-8);
    });
  }
}
