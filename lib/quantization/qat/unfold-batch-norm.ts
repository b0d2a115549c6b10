import { type Node, tensorMeta } from '../../graph/index.ts';
import type { GraphEditor } from '../../transforms/editor.ts';
import {
  ADD,
  type ConvolutionWithBatchNorm,
  convolutionBefore,
  DIV,
  MUL,
  RESHAPE,
  transposedGroups,
} from './batch-norm-pattern.ts';

/**
 * Lets training see the weights that inference will have, into which batch norms are folded: each convolution has its weight
 * multiplied with γ / sqrt(σ²) of the running statistics before that is quantized, and its result divided by it again
 * (counterpart: torchao's `_fuse_conv_bn_qat`).
 *
 *     conv(x, w, b) -> batch_norm      becomes      conv(x, w s, 0) -> / s -> + b -> batch_norm,   s = γ / sqrt(σ² + eps)
 */
export function unfoldBatchNorms(editor: GraphEditor): void {
  for (const node of editor.graph.nodes) {
    const pair = convolutionBefore(node);
    if (pair) unfold(editor, pair);
  }
}

function unfold(
  editor: GraphEditor,
  { convolution, weight, bias, batchNorm }: ConvolutionWithBatchNorm,
): void {
  const like = [convolution, batchNorm];
  const before = { before: convolution, like };
  const [, scale, , , variance, , , eps] = batchNorm.args;
  const rank = tensorMeta(weight)!.shape.length;
  const shaped = (axis: number) => Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1));
  const deviation = editor.call('aten.sqrt.default', [editor.call(ADD, [variance, eps], before)], before);
  const factor = editor.call(DIV, [scale, deviation], before);
  const factorOfWeight = weightFactor(editor, factor, convolution, shaped);
  const scaled = editor.call(MUL, [weight, factorOfWeight], before);
  const zero = bias && editor.call('aten.zeros_like.default', [bias], before);
  moveAnnotation(convolution, weight, scaled);
  if (bias && zero) moveAnnotation(convolution, bias, zero);
  const [input, , , ...rest] = convolution.args;
  convolution.setArguments([input, scaled, zero, ...rest]);

  const after = { before: batchNorm, like };
  let result = editor.call(DIV, [convolution, editor.call(RESHAPE, [factor, shaped(1)], after)], after);
  if (bias) result = editor.call(ADD, [result, editor.call(RESHAPE, [bias, shaped(1)], after)], after);
  batchNorm.updateArgument(0, result);
}

/** s in the shape that multiplies the weight's output channels. */
function weightFactor(
  editor: GraphEditor,
  factor: Node,
  convolution: Node,
  shaped: (axis: number) => number[],
): Node {
  const place = { before: convolution, like: [convolution] };
  const groups = transposedGroups(convolution);
  if (groups === undefined) return editor.call(RESHAPE, [factor, shaped(0)], place);
  if (groups === 1) return editor.call(RESHAPE, [factor, shaped(1)], place);
  throw new Error(
    `node '${convolution}': batch norm after a transposed convolution of ${groups} groups is not trained with it; ` +
      'exclude the layer from quantization',
  );
}

/** What was asked for the old input is asked for the new one. */
function moveAnnotation(node: Node, from: Node, to: Node): void {
  const inputs = node.meta.quantizationAnnotation?.inputQspecMap;
  const spec = inputs?.get(from);
  if (!inputs || spec === undefined) return;
  inputs.delete(from);
  inputs.set(to, spec);
}
