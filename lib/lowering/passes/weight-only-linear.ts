import { dequantizeOperators } from '../../aten/index.ts';
import { integerProducts } from '../../backend/index.ts';
import { isCall, type Node } from '../../graph/index.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { quantizedWeight } from '../patterns/quantized-weight.ts';

/**
 * Linear layers of which only the weight is quantized keep it in 8 bits, and compute in float32.
 *
 *     x (float) ──────────────┐
 *     w (int8) → dequantize → linear → y   ⇒   octavo.weight_only_linear(x, w, scales, b) → y
 */
export const weightOnlyLinear: Pass = {
  name: 'weight-only-linear',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes)
      if (isCall(node, 'aten.linear.default') && rewrite(context, node)) count++;
    return count;
  },
};

function rewrite(context: PassContext, node: Node): boolean {
  const args = context.args(node);
  const dequantize = args.tensor('weight');
  // A layer whose input is also quantized was meant for the integer kernels, and their passes have recorded why they do
  // not compute it.
  if (!isFloatingPoint(context.meta(node).dtype) || context.isRefused(node)) return false;
  if (!isCall(dequantize, ...dequantizeOperators)) return false;
  const [integers] = dequantize.args as readonly [Node];
  if (integers.op !== 'get_attr' || context.meta(integers).dtype !== integerProducts.weight) return false;
  const weight = quantizedWeight(context, dequantize);
  if (typeof weight === 'string') {
    context.refuse(node, weight);
    return false;
  }
  context.replace(
    node,
    'octavo.weight_only_linear.default',
    [args.tensor('input'), weight.weight, weight.scales, args.optionalTensor('bias'), 'none', [], ''],
    [dequantize],
  );
  return true;
}
