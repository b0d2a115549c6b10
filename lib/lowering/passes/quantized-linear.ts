import { isCall, type Node } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, isDynamicDequantize } from '../patterns/affine-parameters.ts';
import { quantizedWeight } from '../patterns/quantized-weight.ts';

/**
 * Linear layers of dequantized 8-bit integers, of any rank, compute on the integers and return float32. Later passes
 * fuse what follows.
 *
 *     x (u8|s8) → dequantize ─┐
 *     w (s8) → dequantize ────┤ linear → y   ⇒   onednn.qlinear_pointwise(x, w, b, …, float32) → y
 *     b ──────────────────────┘
 *
 * Run-time parameters of x (dynamic quantization) stay run-time parameters: onednn.qlinear_pointwise.tensor.
 */
export const quantizedLinear: Pass = {
  name: 'quantized-linear',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes)
      if (isCall(node, 'aten.linear.default') && !context.keepsFloat(node) && rewrite(context, node)) count++;
    return count;
  },
};

function rewrite(context: PassContext, node: Node): boolean {
  const args = context.args(node);
  const [input, weightNode] = [args.tensor('input'), args.tensor('weight')];
  const dynamic = isDynamicDequantize(input);
  if (!dynamic && !isDequantize(input)) return false;
  const weight = quantizedWeight(context, weightNode);
  if (typeof weight === 'string') {
    context.refuse(node, weight);
    return false;
  }
  const [integers, scale, zeroPoint] = input.args;
  context.replace(
    node,
    dynamic ? 'onednn.qlinear_pointwise.tensor' : 'onednn.qlinear_pointwise.default',
    [
      ...[integers, scale, zeroPoint, weight.weight, weight.scales, weight.zeroPoints],
      ...[args.optionalTensor('bias'), 1, 0, 'float32', 'none', [], ''],
    ],
    [...new Set([input, weightNode])],
  );
  return true;
}
