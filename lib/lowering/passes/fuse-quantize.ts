import { type Argument, type Node, onlyUser } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import { givesFloat, type Pass, type PassContext } from '../pass.ts';
import { type AffineParameters, isFullRange, isQuantize, qparamsOf } from '../patterns/affine-parameters.ts';
import { fusedOperators, type UnarySlot } from '../patterns/fused-operators.ts';
import { clampAfter } from '../patterns/unary.ts';

/**
 * Makes operators that compute on 8-bit integers (convolutions, linear layers, Octavo's loops) return them as well.
 *
 *     qconv(…, float32) → quantize(s, z) → y   ⇒   qconv(…, s, z, uint8) → y
 *
 * Kernels saturate at the dtype's own range. A narrower range (reduced ranges) becomes a clamp of the real value before
 * rounding. If the operator supports no clamp, or its function cannot be merged with one, a table clamps afterwards:
 *
 *     qconv(…, hardswish, float32) → quantize(s, z, 0, 127) → y   ⇒   qconv(…, s, z, uint8) → lookup(min(q, 127)) → y
 */
export const fuseQuantize: Pass = {
  name: 'fuse-quantize',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      const form = fusedOperators.get(node.target);
      if (!form?.quantizes || !givesFloat(context, node)) continue;
      const user = onlyUser(node);
      if (isQuantize(user)) {
        fuse(context, node, user, form.unary);
        count++;
        continue;
      }
      const wanted = node.users.find((other) => isQuantize(other));
      if (wanted)
        context.refuse(wanted, `the result of ${node} has several users, not all the same quantize`);
    }
    return count;
  },
};

function fuse(context: PassContext, node: Node, quantize: Node, slot: UnarySlot | undefined): void {
  const q = qparamsOf(quantize);
  const named = context.named(node);
  const output = { output_scale: q.scale, output_zero_point: q.zeroPoint, output_dtype: q.dtype };
  const clamped = isFullRange(q) ? {} : slot && clampedUnary(named, slot, q);
  const args = context.positional(node.target, { ...named, ...clamped, ...output });
  if (clamped) {
    context.replaceWithCall(quantize, node.target, args, [node]);
    return;
  }
  const unclamped = context.call(quantize, node.target, args, [node]);
  const table = context.newConstant(quantize, `${quantize.name}_range`, clampingTable(q));
  // The table completes the quantize. It is no part of the operators before it.
  const lookup = context.call(quantize, 'octavo.lookup.default', [unclamped, table], [quantize]);
  context.replace(quantize, lookup, [node]);
}

function clampedUnary(named: Readonly<Record<string, Argument>>, slot: UnarySlot, q: AffineParameters) {
  const unary = {
    name: named[slot.name] as string,
    scalars: named[slot.scalars] as readonly number[],
    algorithm: '',
  };
  const real = (value: number) => (value - q.zeroPoint) * q.scale;
  const clamped = clampAfter(unary, real(q.quantMin), real(q.quantMax));
  return clamped && { [slot.name]: clamped.name, [slot.scalars]: clamped.scalars, [slot.algorithm]: '' };
}

/** Every value of the dtype, indexed by its byte and clamped to the range. */
function clampingTable({ dtype, quantMin, quantMax }: AffineParameters): Tensor {
  const values = Array.from({ length: 256 }, (_, byte) => (dtype === 'int8' ? (byte << 24) >> 24 : byte));
  return Tensor.from(
    dtype,
    values.map((value) => Math.min(Math.max(value, quantMin), quantMax)),
  );
}
