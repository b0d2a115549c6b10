import { isCall } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';
import { isDequantize, qparamsOf } from '../patterns/affine-parameters.ts';

/**
 * Batch normalization that was not folded into a convolution (as before DenseNet's convolutions) becomes the form that
 * reads 8-bit integers and computes what follows in the same loop.
 *
 *     x [→ dequantize] → batch_norm → y   ⇒   octavo.batch_norm(x, …, float32) → y
 */
export const batchNormalization: Pass = {
  name: 'batch-normalization',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, 'aten.batch_norm.default') || context.meta(node).dtype !== 'float32') continue;
      const args = context.args(node);
      const input = args.tensor('input');
      const quantized = isDequantize(input);
      const { scale, zeroPoint } = quantized ? qparamsOf(input) : { scale: 1, zeroPoint: 0 };
      context.replace(
        node,
        'octavo.batch_norm.default',
        [
          ...[quantized ? input.args[0] : input, scale, zeroPoint],
          ...[args.optionalTensor('weight'), args.optionalTensor('bias')],
          ...[args.tensor('running_mean'), args.tensor('running_var'), args.number('eps')],
          ...[1, 0, 'float32', 'none', [], ''],
        ],
        quantized ? [input] : [],
      );
      count++;
    }
    return count;
  },
};
