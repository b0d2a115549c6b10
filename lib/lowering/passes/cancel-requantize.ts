import { Node } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';
import { isDequantize, isQuantize, qparamsOf, sameQParams } from '../patterns/affine-parameters.ts';

/**
 * Removes a quantize that undoes the dequantize before it.
 *
 *     x (int8) → dequantize(s, z) → quantize(s, z) → y   ⇒   x (int8) → y
 */
export const cancelRequantize: Pass = {
  name: 'cancel-requantize',
  run(context) {
    let count = 0;
    for (const quantize of context.graph.nodes) {
      if (!isQuantize(quantize)) continue;
      const [dequantize] = quantize.args;
      if (!isDequantize(dequantize) || !sameQParams(qparamsOf(dequantize), qparamsOf(quantize))) continue;
      const [integer] = dequantize.args;
      if (!(integer instanceof Node)) continue;
      context.inherit(integer, [dequantize, quantize]);
      context.replaceWith(quantize, integer, [dequantize]);
      count++;
    }
    return count;
  },
};
