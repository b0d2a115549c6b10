import type { OperatorDefinition } from '../registry.ts';
import { batchNormTraining } from './batch-norm.ts';
import { convolutionGradients } from './convolution-gradients.ts';
import { dropoutMasks } from './dropout.ts';
import { fakeQuantization } from './fake-quantize.ts';
import { interpolationGradients } from './interpolation-gradient.ts';
import { poolingGradients } from './pooling-gradients.ts';

/** What only training computes, each in one native step. */
export const trainingFamilies: readonly OperatorDefinition[] = [
  ...batchNormTraining,
  ...convolutionGradients,
  ...dropoutMasks,
  ...fakeQuantization,
  ...interpolationGradients,
  ...poolingGradients,
];
