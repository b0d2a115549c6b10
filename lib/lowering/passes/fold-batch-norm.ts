import { isCall, type Node } from '../../graph/index.ts';
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
  run(context) {
    const norms = context.graph.nodes.filter((node) => isCall(node, 'aten.batch_norm.default'));
    const layers = norms.map((node) => node.args[0] as Node);
    foldBatchNorms(context.module);
    context.inferShapes();
    const left = new Set(context.graph.nodes);
    return norms.filter((norm, i) => {
      if (left.has(norm)) return false;
      context.inherit(layers[i], [norm]);
      return true;
    }).length;
  },
};
