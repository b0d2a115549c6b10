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
