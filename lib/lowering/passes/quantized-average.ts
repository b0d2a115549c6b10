import { isCall, type Node, onlyUser } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isQuantize, qparamsOf } from '../patterns/affine-parameters.ts';

/**
 * Averages float images that cannot be returned as 8-bit integers because they are needed in float as well
 * (squeeze-and-excitation scales the image it averages). The average includes the quantize, so no quantized image is
 * written.
 *
 *     x ─┬→ quantize(s, z) → adaptive_avg_pool2d(1, 1) → y        x ─┬→ octavo.quantized_average(s, z) → y
 *        └→ mul                                              ⇒       └→ mul
 */
export const quantizedAverage: Pass = {
  name: 'quantized-average',
  run(context) {
    let count = 0;
    for (const pool of context.graph.nodes) {
      if (!isCall(pool, 'aten.adaptive_avg_pool2d.default')) continue;
      const [quantize] = pool.args;
      if (!isQuantize(quantize) || onlyUser(quantize) !== pool || !fits(context, pool, quantize)) continue;
      const { scale, zeroPoint, quantMin, quantMax, dtype } = qparamsOf(quantize);
      const args = [quantize.args[0], scale, zeroPoint, quantMin, quantMax, dtype];
      context.replace(pool, 'octavo.quantized_average.default', args, [quantize]);
      count++;
    }
    return count;
  },
};

function fits(context: PassContext, pool: Node, quantize: Node): boolean {
  const input = quantize.args[0] as Node;
  // A graph input is not channels-last; its quantize also changes the memory format.
  if (input.op !== 'call_function' || context.meta(input).dtype !== 'float32') return false;
  const is8Bit = ['uint8', 'int8'].includes(qparamsOf(quantize).dtype);
  const toOnePixel = String(context.args(pool).numbers('output_size')) === '1,1';
  return is8Bit && toOnePixel && context.meta(input).shape.length === 4;
}
