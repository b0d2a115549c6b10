import { convolutionRules } from './convolutions.ts';
import { movementGradients } from './movement.ts';
import { normalizationRules } from './normalization.ts';
import { pointwiseGradients } from './pointwise.ts';
import { poolingRules } from './pooling.ts';
import { productGradients } from './products.ts';
import { quantizationGradients } from './quantization.ts';
import { reductionGradients } from './reductions.ts';
import type { GradientRules } from './rule.ts';

/** The gradients of all operators that have one, by the operators' names. */
export const gradientRules: GradientRules = {
  ...convolutionRules,
  ...movementGradients,
  ...normalizationRules,
  ...pointwiseGradients,
  ...poolingRules,
  ...productGradients,
  ...quantizationGradients,
  ...reductionGradients,
};

export type { DifferentiatedCall, Gradient, GradientBuilder, GradientRule } from './rule.ts';
