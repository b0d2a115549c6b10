import { type Node, onlyUser } from '../../graph/index.ts';
import { fusedOperators, type UnarySlot } from '../fused-operators.ts';
import { givesFloat, type Pass, type PassContext } from '../pass.ts';
import { isFullRange, isQuantize, type QParams, qparamsOf } from '../qparams.ts';
import { clampAfter } from '../unary.ts';

/**
 * Lets a quantized convolution or linear give 8-bit integers. Kernels saturate at the dtype's own range; a narrower one
 * (reduced ranges) becomes a clamp of the real value before rounding.
 *
 *     qconv(…, float32) → quantize(s, z) → y   ⇒   qconv(…, s, z, uint8) → y
 */
export const fuseQuantize: Pass = {
  name: 'fuse-quantize',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      const form = fusedOperators.get(node.target);
      if (!form?.quantizes || !givesFloat(context, node)) continue;
      const user = onlyUser(node);
      if (!isQuantize(user)) {
        const wanted = node.users.find((other) => isQuantize(other));
        if (wanted)
          context.refuse(wanted, `the result of ${node} has several users, not all the same quantize`);
        continue;
      }
      const q = qparamsOf(user);
      const clamped = isFullRange(q) ? {} : clampTo(context, node, form.unary!, q);
      if (!clamped) {
        context.refuse(
          user,
          `range ${q.quantMin}..${q.quantMax} is narrower than ${q.dtype}, and the pointwise function before it cannot clamp`,
        );
        continue;
      }
      const output = { output_scale: q.scale, output_zero_point: q.zeroPoint, output_dtype: q.dtype };
      context.replaceWithNamed(user, node.target, { ...context.named(node), ...clamped, ...output }, [node]);
      count++;
    }
    return count;
  },
};

function clampTo(context: PassContext, node: Node, slot: UnarySlot, q: QParams) {
  const named = context.named(node);
  const unary = {
    name: named[slot.name] as string,
    scalars: named[slot.scalars] as readonly number[],
    algorithm: '',
  };
  const real = (value: number) => (value - q.zeroPoint) * q.scale;
  const clamped = clampAfter(unary, real(q.quantMin), real(q.quantMax));
  return clamped && { [slot.name]: clamped.name, [slot.scalars]: clamped.scalars, [slot.algorithm]: '' };
}
