import { averages } from '../../backend/index.ts';
import { type Argument, isCall, type Node, onlyUser } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, isQuantize, qparamsOf, sameQParams } from '../patterns/affine-parameters.ts';

const pools = averages.flatMap(({ operators }) => operators);

/**
 * Averages 8-bit integers without dequantizing them if input and output share their parameters: the average of `(q - z)
 * s` is `(average of q - z) s`, so only the final rounding remains. A mean over both image axes is a pooling to one
 * element.
 *
 *     x (int8) → dequantize(s, z) → avg_pool | mean → quantize(s, z) → y   ⇒   x (int8) → avg_pool → y
 */
export const integerAveragePool: Pass = {
  name: 'integer-average-pool',
  run(context) {
    let count = 0;
    for (const pool of context.graph.nodes) {
      if (!isCall(pool, ...pools)) continue;
      const [dequantize, ...rest] = pool.args;
      const quantize = onlyUser(pool);
      if (!isDequantize(dequantize) || !isQuantize(quantize)) continue;
      const reason = whyNot(context, pool, dequantize, quantize);
      if (reason) {
        context.refuse(pool, reason);
        continue;
      }
      const integer = dequantize.args[0] as Node;
      const covers = [dequantize, pool];
      if (pool.target === 'aten.mean.dim') replaceMean(context, pool, integer, quantize, covers);
      else context.replace(quantize, pool.target, [integer, ...rest], covers);
      count++;
    }
    return count;
  },
};

function whyNot(context: PassContext, pool: Node, dequantize: Node, quantize: Node): string | undefined {
  const q = qparamsOf(quantize);
  if (!sameQParams(qparamsOf(dequantize), q))
    return 'its input and output have different quantization parameters';
  const args = context.args(pool);
  if (pool.target === 'aten.mean.dim') {
    const rank = context.meta(pool.args[0] as Node).shape.length;
    const axes = (args.optionalNumbers('dim') ?? []).map((axis) => (axis < 0 ? axis + rank : axis)).sort();
    return rank === 4 && axes.join() === '2,3'
      ? undefined
      : 'only means over both axes of images run on integers';
  }
  if (pool.target.includes('adaptive')) return undefined;
  if (pool.target === 'aten.avg_pool2d.default' && !args.isNone('divisor_override'))
    return 'it divides by another number than the number of elements';
  const padded = args.numbers('padding').some((extent) => extent > 0);
  if (padded && args.bool('count_include_pad') && q.zeroPoint !== 0)
    return 'it counts padding, and zero is not stored as 0';
  return undefined;
}

function replaceMean(
  context: PassContext,
  mean: Node,
  integer: Node,
  quantize: Node,
  covers: readonly Node[],
): void {
  const pooled: readonly Argument[] = [integer, [1, 1]];
  if (context.args(mean).bool('keepdim')) {
    context.replace(quantize, 'aten.adaptive_avg_pool2d.default', pooled, covers);
    return;
  }
  const pool = context.call('aten.adaptive_avg_pool2d.default', pooled, {
    before: quantize,
    like: [...covers, quantize],
  });
  context.replace(quantize, 'aten.flatten.using_ints', [pool, 1], covers);
}
