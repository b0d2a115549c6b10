import { Node } from '../graph/index.ts';
import type { Call } from './calls.ts';

/** The tensors that an operator reads, by what they are in FX graph mode. */
export interface Arguments {
  readonly activations: readonly Node[];
  readonly weights: readonly Node[];
}

/** Where operators have their weight. What follows it is a bias, which stays in floating point, or a table's indices. */
const weightPositions: Readonly<Record<string, number>> = {
  'aten.conv1d.default': 1,
  'aten.conv1d.padding': 1,
  'aten.conv2d.default': 1,
  'aten.conv2d.padding': 1,
  'aten.conv3d.default': 1,
  'aten.conv3d.padding': 1,
  'aten.convolution.default': 1,
  'aten.conv_transpose1d.default': 1,
  'aten.conv_transpose2d.input': 1,
  'aten.conv_transpose3d.input': 1,
  'aten.linear.default': 1,
  'aten.embedding.default': 0,
  'aten.embedding_bag.default': 0,
  'aten.embedding_bag.padding_idx': 0,
};

/** Functions whose weight and bias are not quantized, where they begin among the arguments (PyTorch: `NON_QUANTIZABLE_WEIGHT_OPS`). */
const plainWeights: Readonly<Record<string, number>> = {
  'aten.layer_norm.default': 2,
  'aten.group_norm.default': 2,
  'aten.instance_norm.default': 1,
  'aten.batch_norm.default': 1,
};

export function argumentsOf(node: Node, { isModule }: Call): Arguments {
  const position = weightPositions[node.target];
  const plain = plainWeights[node.target] ?? node.args.length;
  const weight = position === undefined ? undefined : node.args[position];
  const activations = node.args.flatMap((arg, i) => {
    const isParameter = (position !== undefined && (i === position || i === position + 1)) || i >= plain;
    return isParameter ? [] : arg;
  });
  return {
    activations: activations.filter(
      (arg): arg is Node => arg instanceof Node && !(isModule && arg.op === 'get_attr'),
    ),
    weights: weight instanceof Node ? [weight] : [],
  };
}
