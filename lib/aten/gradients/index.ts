import { copiedViews, copyingName } from '../movement/copies.ts';
import { activationGradients } from './activations.ts';
import { attentionGradients } from './attention.ts';
import { choiceGradients } from './choices.ts';
import { convolutionRules } from './convolutions.ts';
import { embeddingGradients } from './embeddings.ts';
import { functionGradients } from './functions.ts';
import { indexingGradients } from './indexing.ts';
import { interpolationRules } from './interpolation.ts';
import { movementGradients } from './movement.ts';
import { normalizationRules } from './normalization.ts';
import { operandGradients } from './operands.ts';
import { paddingGradients } from './padding.ts';
import { poolingRules } from './pooling.ts';
import { productGradients } from './products.ts';
import { quantizationGradients } from './quantization.ts';
import { recurrentGradients } from './recurrent.ts';
import { reductionGradients } from './reductions.ts';
import type { GradientRules } from './rule.ts';
import { runningGradients } from './running.ts';

const rules: GradientRules = {
  ...activationGradients,
  ...attentionGradients,
  ...choiceGradients,
  ...convolutionRules,
  ...embeddingGradients,
  ...functionGradients,
  ...indexingGradients,
  ...interpolationRules,
  ...movementGradients,
  ...normalizationRules,
  ...operandGradients,
  ...paddingGradients,
  ...poolingRules,
  ...productGradients,
  ...quantizationGradients,
  ...recurrentGradients,
  ...reductionGradients,
  ...runningGradients,
};

/** The gradients of all operators that have one, by the operators' names; views have them under both of their names. */
export const gradientRules: GradientRules = {
  ...rules,
  ...Object.fromEntries(
    [...copiedViews].flatMap((view) => (rules[view] ? [[copyingName(view), rules[view]]] : [])),
  ),
};

export { castTo } from './arithmetic.ts';
export type { DifferentiatedCall, Gradient, GradientBuilder, GradientRule } from './rule.ts';
export { stops, withoutGradient } from './without.ts';
