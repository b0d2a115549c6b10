import { conv1d, conv2d, convTranspose, linear } from '../../backend/index.ts';
import { isCall, Node, onlyUser, tensorMeta } from '../../graph/index.ts';
import { DEFAULT_RECIPE, type Recipe } from '../recipe.ts';

export const BATCH_NORM = 'aten.batch_norm.default';
export const ADD = 'aten.add.Tensor';
export const DIV = 'aten.div.Tensor';
export const MUL = 'aten.mul.Tensor';
export const RESHAPE = 'aten.reshape.default';

/** Convolutions that are trained together with the batch norm after them, as torchao has them. */
const convolutions: readonly string[] = [
  ...new Set([conv1d, conv2d, convTranspose].flatMap(({ operators }) => operators)),
];

/** Whether a call may have been trained together with a batch norm. */
export const isLayer = (node: unknown): node is Node =>
  node instanceof Node && isCall(node, ...convolutions, ...linear.operators);

/** Under torchao's recipe linear layers, too, as without training: on a matrix, whose columns are the batch norm's channels. */
const isTrainedTogether = (node: Node, recipe: Recipe): boolean =>
  isCall(node, ...convolutions) || (recipe === DEFAULT_RECIPE && tensorMeta(node)?.shape.length === 2);

/** The groups of a transposed convolution, whose weight is [in, out / groups, ...]; undefined for others. */
export function transposedGroups({ target, args, kwargs }: Node): number | undefined {
  return convTranspose.operators.includes(target) ? ((args[6] ?? kwargs.groups ?? 1) as number) : undefined;
}

/** A convolution or linear layer, and the batch norm that reads its result alone. */
export interface LayerWithBatchNorm {
  readonly layer: Node;
  readonly weight: Node;
  readonly bias: Node | null;
  readonly batchNorm: Node;
}

const parameterOrNull = (arg: unknown): Node | null | undefined => {
  if (arg === null || arg === undefined) return null;
  return arg instanceof Node && arg.op === 'get_attr' ? arg : undefined;
};

declare module '../../graph/node.ts' {
  interface NodeMeta {
    /** Of a batch norm: it keeps its statistics in training mode, too. */
    hasFrozenStatistics?: true;
  }
}

/** The pair that ends with a batch norm, in whatever mode; undefined for other nodes. */
export function layerBefore(batchNorm: Node, recipe: Recipe): LayerWithBatchNorm | undefined {
  if (!isCall(batchNorm, BATCH_NORM)) return undefined;
  const [layer, scale, , , variance] = batchNorm.args;
  if (!isLayer(layer) || !isTrainedTogether(layer, recipe) || onlyUser(layer) !== batchNorm) return undefined;
  const [weight, bias] = [parameterOrNull(layer.args[1]), parameterOrNull(layer.args[2])];
  // Without a scale and statistics of its own there is nothing that the weight could be multiplied with.
  if (!weight || bias === undefined || !parameterOrNull(scale) || !parameterOrNull(variance))
    return undefined;
  return { layer, weight, bias, batchNorm };
}
