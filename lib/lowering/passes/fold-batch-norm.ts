import { foldBatchNorms } from '../../quantization/prepare/fold-batch-norm.ts';
import type { Pass } from '../pass.ts';

/**
 * Folds batch normalization into the weights of the preceding convolution or linear layer, unless quantization has
 * already done so.
 *
 *     conv(x, w, b) → batch_norm(γ, β, μ, σ²) → y   ⇒   conv(x, w γ/σ, β + (b - μ) γ/σ) → y
 */
export const foldBatchNorm: Pass = {
  name: 'fold-batch-norm',
  run: foldBatchNorms,
};
