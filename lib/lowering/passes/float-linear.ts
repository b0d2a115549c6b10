import { isCall } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';

/**
 * Linear layers that stay in float become the form that can fuse what follows.
 *
 *     linear(x, w, b)   ⇒   mkldnn._linear_pointwise(x, w, b, 'none')
 */
export const floatLinear: Pass = {
  name: 'float-linear',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, 'aten.linear.default')) continue;
      const args = context.args(node);
      context.staysInFloat(node);
      context.replace(node, 'mkldnn._linear_pointwise.default', [
        ...[args.tensor('input'), args.tensor('weight'), args.optionalTensor('bias'), 'none', [], ''],
      ]);
      count++;
    }
    return count;
  },
};
