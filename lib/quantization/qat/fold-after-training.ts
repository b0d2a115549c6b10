import * as ops from '../../aten/index.ts';
import { type Argument, isCall, Node } from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { GraphEditor } from '../../transforms/editor.ts';
import { foldBatchNorm } from '../../transforms/fold-batch-norm.ts';
import { ADD, BATCH_NORM, DIV, isLayer, MUL, RESHAPE, transposedGroups } from './batch-norm-pattern.ts';

/** A convolution as training saw it. */
interface Trained {
  readonly layer: Node;
  /** Quantized and dequantized, or as it is. */
  readonly scaledWeight: Node;
  readonly weight: Node;
  readonly bias: Node | null;
  /** The nodes of the pattern that read weight and bias, in order. */
  readonly readers: readonly Node[];
}

/**
 * Folds every batch norm into the convolution that was trained with it: the weight is then the one that was quantized in
 * training, and the batch norm's shift is the bias (counterpart: torchao's `_fold_conv_bn_qat`).
 */
export function foldTrainedBatchNorms(editor: GraphEditor): void {
  for (const node of editor.graph.nodes) {
    const trained = isCall(node, BATCH_NORM) ? trainedBefore(node) : undefined;
    if (trained) fold(editor, node, trained);
  }
  editor.graph.eliminateDeadCode();
}

const call = (arg: Argument, target: string): Node | undefined =>
  arg instanceof Node && isCall(arg, target) ? arg : undefined;

const parameter = (arg: Argument): Node | undefined =>
  arg instanceof Node && arg.op === 'get_attr' ? arg : undefined;

/** batch_norm(conv(x, q/dq(w s), 0) / s + b), as the model was prepared. */
function trainedBefore(batchNorm: Node): Trained | undefined {
  const sum = call(batchNorm.args[0], ADD);
  const shaped = sum && call(sum.args[1], RESHAPE);
  const bias = shaped ? parameter(shaped.args[0]) : null;
  const quotient = call(sum ? sum.args[0] : batchNorm.args[0], DIV);
  const layer = quotient?.args[0];
  if (bias === undefined || !isLayer(layer)) return undefined;
  const scaledWeight = call(withoutQuantization(layer.args[1]), MUL);
  const weight = scaledWeight && parameter(scaledWeight.args[0]);
  if (!weight) return undefined;
  const readers = [scaledWeight, layer.args[2], shaped].filter((node) => node instanceof Node);
  return { layer, scaledWeight, weight, bias, readers };
}

/** What is quantized and dequantized there. */
function withoutQuantization(arg: Argument): Argument {
  let value = arg;
  while (
    value instanceof Node &&
    [...ops.dequantizeOperators, ...ops.quantizeOperators].includes(value.target)
  )
    value = value.args[0];
  return value;
}

function fold(editor: GraphEditor, batchNorm: Node, trained: Trained): void {
  const { layer, scaledWeight, weight, bias } = trained;
  const { module } = editor;
  const tensorOf = (arg: Argument) => (arg === null ? null : module.attribute((arg as Node).target));
  const [, gamma, beta, mean, variance, , , eps] = batchNorm.args;
  const folded = foldBatchNorm(
    tensorOf(weight)!,
    tensorOf(bias),
    {
      weight: tensorOf(gamma),
      bias: tensorOf(beta),
      mean: tensorOf(mean)!,
      variance: tensorOf(variance)!,
      eps: eps as number,
    },
    transposedGroups(layer),
  );
  scaledWeight.replaceAllUsesWith(parameterFor(editor, weight, folded.weight, trained));
  const behind = { before: layer, like: [layer, batchNorm] };
  const shift = bias
    ? parameterFor(editor, bias, folded.bias, trained)
    : editor.constant(`${weight.target}_bias`, folded.bias, behind);
  layer.updateArgument(2, shift);
  editor.replaceWith(batchNorm, layer);
}

/** The parameter with another value: one of its own where others read the given one, too. */
function parameterFor(
  editor: GraphEditor,
  parameter: Node,
  value: Tensor,
  { layer, readers }: Trained,
): Node {
  const { attributes } = editor.module;
  const isOther = (user: Node) => !readers.includes(user);
  const isShared = editor.graph.nodes.some(
    (node) => node.op === 'get_attr' && node.target === parameter.target && node.users.some(isOther),
  );
  if (isShared) {
    const place = { before: readers[0], like: [layer] };
    return editor.constant(`${parameter.target}_folded`, value, place);
  }
  attributes.set(parameter.target, value);
  return parameter;
}
