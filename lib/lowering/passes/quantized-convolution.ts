import { convolutionOperators } from '../../backend/index.ts';
import { type Argument, isCall, type Node } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, isDynamicDequantize, qparamsOf } from '../patterns/affine-parameters.ts';
import { type ConvolutionCall, convolutionOf } from '../patterns/convolution.ts';
import { quantizedWeight } from '../patterns/quantized-weight.ts';

/**
 * Convolutions of dequantized 8-bit integers compute on the integers and return float32. Later passes fuse what
 * follows.
 *
 *     x (u8|s8) → dequantize ─┐
 *     w (s8) → dequantize ────┤ conv1d | conv2d → y   ⇒   onednn.qconv{1,2}d_pointwise(x, w, b, …, float32) → y
 *     b ──────────────────────┘
 *
 * Padding that differs between the two sides becomes a separate pad, with the zero point, which represents 0.
 */
export const quantizedConvolution: Pass = {
  name: 'quantized-convolution',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes)
      if (isCall(node, ...convolutionOperators) && !context.keepsFloat(node) && rewrite(context, node))
        count++;
    return count;
  },
};

function rewrite(context: PassContext, node: Node): boolean {
  const c = convolutionOf(context, node);
  const reason =
    typeof c === 'string' ? c : c.stride.length > 2 ? 'volumes are convolved in float' : undefined;
  if (typeof c === 'string' || reason !== undefined) {
    if (isDequantize(node.args[0])) context.refuse(node, reason!);
    return false;
  }
  const weightNode = c.weight;
  if (!isDequantize(c.input)) {
    if (isDynamicDequantize(c.input))
      context.refuse(
        node,
        "its input's parameters are computed at run time, which linear layers alone can take",
      );
    else if (weightNode.op === 'call_function' && weightNode.target.includes('.dequantize_'))
      context.refuse(node, 'its weight is quantized, its input is not');
    return false;
  }
  const weight = quantizedWeight(context, weightNode);
  if (typeof weight === 'string') {
    context.refuse(node, weight);
    return false;
  }
  const { scale, zeroPoint } = qparamsOf(c.input);
  const rank = c.stride.length;
  const args: readonly Argument[] = [
    ...[padded(context, node, c), scale, zeroPoint, weight.weight, weight.scales, weight.zeroPoints, c.bias],
    ...[c.stride, c.padding, c.dilation, c.groups, 1, 0, 'float32', 'none', [], ''],
  ];
  const covers = [...new Set([c.input, weightNode])];
  context.replace(node, `onednn.qconv${rank}d_pointwise.default`, args, covers);
  return true;
}

/** The integers that the convolution reads. */
function padded(context: PassContext, node: Node, { input, extraPadding }: ConvolutionCall): Argument {
  const [integers] = input.args;
  if (extraPadding.every((extent) => extent === 0)) return integers;
  // The last axis comes first in the argument.
  const amounts = extraPadding.toReversed().flatMap((extent) => [0, extent]);
  const args = [integers, amounts, 'constant', qparamsOf(input).zeroPoint];
  return context.call('aten.pad.default', args, { before: node, like: [node] });
}
