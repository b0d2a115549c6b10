import { convolutionOperators, convTranspose } from '../../backend/index.ts';
import {
  type Argument,
  GET_ITEM,
  type Graph,
  type GraphModule,
  isCall,
  Node,
  onlyUser,
  tensorMeta,
} from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { GraphEditor } from '../../transforms/editor.ts';
import {
  type BatchNormParameters,
  foldBatchNorm,
  type LayerParameters,
} from '../../transforms/fold-batch-norm.ts';
import { isOwnConstant } from '../../transforms/layer-constants.ts';
import { DEFAULT_RECIPE, type Recipe } from '../recipe.ts';

const BATCH_NORM = 'aten.batch_norm.default';
const BATCH_NORM_INFERENCE = 'aten._native_batch_norm_legit_no_training.default';
const TRANSPOSED = convTranspose.operators;
const LINEAR = 'aten.linear.default';

/** The layers that each recipe folds batch norms into. */
const foldedLayers: Readonly<Record<Recipe, readonly string[]>> = {
  torchao: [...convolutionOperators, ...TRANSPOSED, LINEAR],
  'pytorch-2.6': [...convolutionOperators, ...TRANSPOSED],
};

/**
 * Folds batch norms into the weights of the convolution, or linear layer on a matrix, before them (counterpart:
 * `_fuse_conv_bn_`, `_fuse_linear_bn_`): one layer is left, to be quantized as a whole. Left alone are batch norms that
 * train, and layers whose result or weights someone else uses too.
 * @param which tells the batch norms that may be folded.
 * @returns the number of batch norms folded.
 * @throws Error that names the batch norm when a parameter is not float32.
 */
export function foldBatchNorms(
  editor: GraphEditor,
  recipe: Recipe = DEFAULT_RECIPE,
  which: (norm: Node) => boolean = () => true,
): number {
  const { graph } = editor;
  if (!graph.nodes.some((node) => isCall(node, BATCH_NORM, BATCH_NORM_INFERENCE))) return 0;
  let count = 0;
  for (const node of graph.nodes) {
    const norm = readBatchNorm(editor, node);
    const layer = norm && which(node) && foldable(norm, graph, foldedLayers[recipe]);
    if (!layer) continue;
    fold(editor, layer, norm);
    editor.inherit(layer, [...norm.results, node]);
    for (const result of norm.results) editor.replaceWith(result, layer);
    if (!norm.results.includes(node)) editor.erase(node);
    count++;
  }
  graph.eliminateDeadCode();
  return count;
}

interface BatchNorm extends BatchNormParameters {
  readonly input: Argument;
  readonly node: Node;
  /** Nodes whose value is the normalized tensor. */
  readonly results: readonly Node[];
}

function readBatchNorm({ module }: GraphEditor, node: Node): BatchNorm | undefined {
  // One that nobody uses may have been erased since the walk began.
  if (!isCall(node, BATCH_NORM, BATCH_NORM_INFERENCE) || node.users.length === 0) return undefined;
  const training = node.target === BATCH_NORM && node.args[5] === true;
  const [weight, bias, mean, variance] = node.args.slice(1, 5).map((arg) => constantOf(module, arg));
  if (training || weight === undefined || bias === undefined || !mean || !variance) return undefined;
  const results = node.target === BATCH_NORM ? [node] : node.users;
  const isNormalized = (user: Node) => user === node || (user.target === GET_ITEM && user.args[1] === 0);
  if (!results.every(isNormalized)) return undefined;
  const eps = node.args[node.target === BATCH_NORM ? 7 : 6] as number;
  return { input: node.args[0], node, results, weight, bias, mean, variance, eps };
}

/** The parameter behind an argument, null for None, undefined for what the graph computes. */
function constantOf(module: GraphModule, arg: Argument): Tensor | null | undefined {
  if (arg === null) return null;
  return arg instanceof Node && arg.op === 'get_attr' ? module.attribute(arg.target) : undefined;
}

function foldable({ input, node }: BatchNorm, graph: Graph, layers: readonly string[]): Node | undefined {
  if (!isCall(input, ...layers) || onlyUser(input) !== node) return undefined;
  if (input.target === LINEAR && !isMatrix(input)) return undefined;
  // The form that says so by an argument is left: exports have the other operators.
  if (isCall(input, ...convolutionOperators) && input.args[6] === true) return undefined;
  const parameters = input.args.slice(1, 3).filter((arg) => arg !== null);
  return parameters.every((arg) => isOwnConstant(graph, arg, input)) ? input : undefined;
}

/** Batch norm's channels are the second axis; a linear layer's the last one. */
function isMatrix(node: Node): boolean {
  return tensorMeta(node)?.shape.length === 2;
}

function fold(editor: GraphEditor, layer: Node, norm: BatchNorm): void {
  const { attributes } = editor.module;
  const [input, weightNode, biasNode = null, ...rest] = layer.args;
  const { target } = weightNode as Node;
  const oldBias = biasNode instanceof Node ? editor.module.attribute(biasNode.target) : null;
  const { weight, bias } = foldedParameters(editor.module.attribute(target), oldBias, norm, layer);
  attributes.set(target, weight);
  if (biasNode instanceof Node) {
    attributes.set(biasNode.target, bias);
    return;
  }
  // PyTorch overwrites a parameter that has this name already.
  const created = editor.constant(`${target}_bias`, bias, { before: layer });
  layer.setArguments([input, weightNode, created, ...rest]);
}

function foldedParameters(
  weight: Tensor,
  bias: Tensor | null,
  norm: BatchNorm,
  { target, args, kwargs }: Node,
): LayerParameters {
  const groups = TRANSPOSED.includes(target) ? ((args[6] ?? kwargs.groups ?? 1) as number) : undefined;
  try {
    return foldBatchNorm(weight, bias, norm, groups);
  } catch (error) {
    throw new Error(`node '${norm.node}': ${(error as Error).message}`, { cause: error });
  }
}
