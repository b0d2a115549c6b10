import { Node } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';
import { type AffineParameters, isDequantize, isQuantize, qparamsOf } from '../patterns/affine-parameters.ts';

/**
 * Removes a quantize that undoes the dequantize before it: of equal parameters, or of scales that are so near that every
 * integer comes back. Calibration writes such pairs around concatenations, for example.
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
      if (!isDequantize(dequantize) || !returnsItself(qparamsOf(dequantize), qparamsOf(quantize))) continue;
      const [integer] = dequantize.args;
      if (!(integer instanceof Node)) continue;
      context.inherit(integer, [dequantize, quantize]);
      context.replaceWith(quantize, integer, [dequantize]);
      count++;
    }
    return count;
  },
};

/** Kernels compute in float32: what comes near the middle between two integers may round to either. */
const NEAREST = 0.49;

/** Whether every integer that was made real by the first parameters becomes itself again by the second. */
function returnsItself(made: AffineParameters, taken: AffineParameters): boolean {
  const { zeroPoint, quantMin, quantMax, dtype } = made;
  const reach = Math.max(zeroPoint - quantMin, quantMax - zeroPoint);
  return (
    zeroPoint === taken.zeroPoint &&
    quantMin === taken.quantMin &&
    quantMax === taken.quantMax &&
    dtype === taken.dtype &&
    reach * Math.abs(made.scale / taken.scale - 1) < NEAREST
  );
}
