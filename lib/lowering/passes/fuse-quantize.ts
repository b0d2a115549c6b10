import type { UnaryNames } from '../../aten/pointwise/pointwise.ts';
import { type Argument, type Node, onlyUser } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import { givesFloat, type Pass, type PassContext } from '../pass.ts';
import { type AffineParameters, isFullRange, isQuantize, qparamsOf } from '../patterns/affine-parameters.ts';
import { fusedOperators } from '../patterns/fused-operators.ts';
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

function fuse(context: PassContext, node: Node, quantize: Node, slot: UnaryNames | undefined): void {
  const q = qparamsOf(quantize);
  const named = context.named(node);
  const output = { output_scale: q.scale, output_zero_point: q.zeroPoint, output_dtype: q.dtype };
  const clamped = isFullRange(q) ? {} : slot && clampedUnary(named, slot, q);
  const args = { ...named, ...clamped, ...output };
  if (clamped) {
    context.replace(quantize, node.target, args, [node]);
    return;
  }
  const unclamped = context.call(node.target, args, { before: quantize, like: [node] });
  const table = context.constant(`${quantize.name}_range`, clampingTable(q), { before: quantize });
  // The table completes the quantize. It is not part of the operators before it.
  const lookup = context.call('octavo.lookup.default', [unclamped, table], {
    before: quantize,
    like: [quantize],
  });
  context.replaceWith(quantize, lookup, [node]);
}

function clampedUnary(named: Readonly<Record<string, Argument>>, slot: UnaryNames, q: AffineParameters) {
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
