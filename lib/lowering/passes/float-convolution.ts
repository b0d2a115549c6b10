import { convolutionOperators } from '../../backend/index.ts';
import { isCall } from '../../graph/index.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import type { Pass } from '../pass.ts';
import { convolutionOf } from '../patterns/convolution.ts';

/**
 * Convolutions that stay in float become the form that can fuse what follows.
 *
 *     conv1d | conv2d | conv3d(x, w, b)   ⇒   mkldnn._convolution_pointwise(x, w, b, …, 'none')
 */
export const floatConvolution: Pass = {
  name: 'float-convolution',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, ...convolutionOperators) || !isFloatingPoint(context.meta(node).dtype)) continue;
      const c = convolutionOf(context, node);
      // With uneven padding, the original operator is faster than a padded copy and a fused convolution.
      if (typeof c === 'string' || c.extraPadding.some((extent) => extent > 0)) continue;
      context.staysInFloat(node);
      context.replace(node, 'mkldnn._convolution_pointwise.default', [
        ...[c.input, c.weight, c.bias, c.padding, c.stride, c.dilation, c.groups, 'none', [], ''],
      ]);
      count++;
    }
    return count;
  },
};
