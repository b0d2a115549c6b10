import { DEQUANTIZE_PER_TENSOR } from '../../aten/index.ts';
import { isCall, type Node } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';
import { isQuantize } from '../patterns/affine-parameters.ts';

/**
 * Changes nothing. It records the operators that still compute in float between 8-bit integers.
 *
 *     x (int8) → dequantize → op → quantize → y   (still there)
 */
export const nameFloatIslands: Pass = {
  name: 'name-float-islands',
  run(context) {
    for (const node of context.graph.nodes) {
      if (node.op !== 'call_function' || context.isRefused(node) || context.keepsFloat(node)) continue;
      const inputs = node.allInputNodes.filter(isComputed);
      const between =
        inputs.length > 0 &&
        inputs.every((input) => isCall(input, DEQUANTIZE_PER_TENSOR)) &&
        node.users.length > 0 &&
        node.users.every(isQuantize);
      if (between) context.refuse(node, `there is no form of ${node.target} for 8-bit integers`);
    }
    return 0;
  },
};

const isComputed = (node: Node) => node.op !== 'get_attr';
