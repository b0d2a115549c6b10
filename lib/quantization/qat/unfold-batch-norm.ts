import { modelLine, type Node, tensorMeta } from '../../graph/index.ts';
import type { GraphEditor } from '../../transforms/editor.ts';
import type { Recipe } from '../recipe.ts';
import { SharedQuantizationSpec } from '../specs.ts';
import {
  ADD,
  DIV,
  type LayerWithBatchNorm,
  layerBefore,
  MUL,
  RESHAPE,
  transposedGroups,
} from './batch-norm-pattern.ts';

/**
 * Lets training see the weights that inference will have, into which batch norms are folded: each layer has its weight
 * multiplied with γ / sqrt(σ²) of the running statistics before that is quantized, and its result divided by it again
 * (counterpart: torchao's `_fuse_conv_bn_qat`, which leaves linear layers alone).
 *
 *     conv(x, w, b) -> batch_norm      becomes      conv(x, w s, 0) -> / s -> + b -> batch_norm,   s = γ / sqrt(σ² + eps)
 *
 * @throws Error that names a batch norm with a γ of 0, or layers with batch norms that have one weight and one fake quantizer.
 */
export function unfoldBatchNorms(editor: GraphEditor, recipe: Recipe): void {
  for (const node of editor.graph.nodes) {
    const pair = layerBefore(node, recipe);
    if (!pair) continue;
    refuseZero(editor, pair.batchNorm);
    refuseSharedFakeQuantizer(editor, pair);
    unfold(editor, pair);
  }
}

/** PyTorch divides 0 by 0 there, and trains on with NaN. A weight that becomes 0 in training makes a step fail, which changes nothing. */
function refuseZero({ module }: GraphEditor, batchNorm: Node): void {
  const { target } = batchNorm.args[1] as Node;
  const channel = module.attribute(target).data.findIndex((weight) => Number(weight) === 0);
  if (channel >= 0)
    throw new Error(
      `node '${batchNorm}': the weight '${target}' of the batch norm is 0 in channel ${channel}, and what the convolution before it gives is ` +
        `divided by it in training; train the model in floating point first, or set it to a small number: 1e-6${modelLine(batchNorm)}`,
    );
}

/** Each call multiplies the weight with a factor of its own: there is no longer one tensor that one fake quantizer could see. */
function refuseSharedFakeQuantizer({ graph }: GraphEditor, { layer, weight }: LayerWithBatchNorm): void {
  const sharesIt = (spec: unknown): boolean => {
    if (!(spec instanceof SharedQuantizationSpec) || !Array.isArray(spec.edgeOrNode)) return false;
    return spec.edgeOrNode[0] === weight && spec.edgeOrNode[1] === layer;
  };
  const other = graph.nodes.find(({ meta }) =>
    [...(meta.quantizationAnnotation?.inputQspecMap.values() ?? [])].some(sharesIt),
  );
  if (other)
    throw new Error(
      `nodes '${layer}' and '${other}' have the weight '${weight.target}' in common, and batch norms after them: such layers cannot be ` +
        `trained with the rounding; give each call a layer of its own, or quantize after training${modelLine(layer)}`,
    );
}

function unfold(editor: GraphEditor, { layer, weight, bias, batchNorm }: LayerWithBatchNorm): void {
  const like = [layer, batchNorm];
  const before = { before: layer, like };
  const [, scale, , , variance, , , eps] = batchNorm.args;
  // Graphs of ONNX files read each parameter right before its first user.
  const order = editor.graph.nodes;
  for (const parameter of [scale, variance] as readonly Node[])
    if (order.indexOf(parameter) > order.indexOf(layer)) editor.graph.moveBefore(layer, parameter);
  const rank = tensorMeta(weight)!.shape.length;
  const shaped = (axis: number) => Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1));
  const deviation = editor.call('aten.sqrt.default', [editor.call(ADD, [variance, eps], before)], before);
  const factor = editor.call(DIV, [scale, deviation], before);
  const factorOfWeight = weightFactor(editor, factor, layer, shaped);
  const scaled = editor.call(MUL, [weight, factorOfWeight], before);
  const zero = bias && editor.call('aten.zeros_like.default', [bias], before);
  moveAnnotation(layer, weight, scaled);
  if (bias && zero) moveAnnotation(layer, bias, zero);
  const [input, , , ...rest] = layer.args;
  layer.setArguments([input, scaled, zero, ...rest]);

  const after = { before: batchNorm, like };
  let result = editor.call(DIV, [layer, editor.call(RESHAPE, [factor, shaped(1)], after)], after);
  if (bias) result = editor.call(ADD, [result, editor.call(RESHAPE, [bias, shaped(1)], after)], after);
  // The convolution itself gives another value now.
  const { numericDebugHandle } = layer.meta;
  if (numericDebugHandle) result.meta.numericDebugHandle = numericDebugHandle;
  delete layer.meta.numericDebugHandle;
  batchNorm.updateArgument(0, result);
}

/** s in the shape that multiplies the weight's output channels. */
function weightFactor(
  editor: GraphEditor,
  factor: Node,
  layer: Node,
  shaped: (axis: number) => number[],
): Node {
  const place = { before: layer, like: [layer] };
  const groups = transposedGroups(layer);
  if (groups === undefined) return editor.call(RESHAPE, [factor, shaped(0)], place);
  if (groups === 1) return editor.call(RESHAPE, [factor, shaped(1)], place);
  // Each group has output channels of its own: its inputs' rows of the weight have their factors. PyTorch fails here.
  const [inputs, perGroup, ...kernel] = tensorMeta(layer.args[1] as Node)!.shape as readonly number[];
  const byGroup = editor.call(RESHAPE, [factor, [groups, 1, perGroup]], place);
  const ofInputs = editor.call('aten.expand.default', [byGroup, [-1, inputs / groups, -1]], place);
  return editor.call(RESHAPE, [ofInputs, [inputs, perGroup, ...kernel.map(() => 1)]], place);
}

/** What was asked for the old input is asked for the new one. */
function moveAnnotation(node: Node, from: Node, to: Node): void {
  const inputs = node.meta.quantizationAnnotation?.inputQspecMap;
  const spec = inputs?.get(from);
  if (!inputs || spec === undefined) return;
  inputs.delete(from);
  inputs.set(to, spec);
}
