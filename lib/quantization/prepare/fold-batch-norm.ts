import { convolutionOperators, convTranspose } from '../../backend/index.ts';
import {
  type Argument,
  GET_ITEM,
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
 * `_fuse_conv_bn_`, `_fuse_linear_bn_`): one layer is left, to be quantized as a whole. Where the model calls both several times, they
 * are folded once for all calls. Left alone are batch norms that train, and layers whose result or weights someone else uses too.
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
    const pairs = pairsWith(editor, node, foldedLayers[recipe]);
    if (!pairs.every(({ norm }) => which(norm.node))) continue;
    if (pairs.length > 0) foldParameters(editor, pairs);
    for (const pair of pairs) removeBatchNorm(editor, pair);
    count += pairs.length;
  }
  graph.eliminateDeadCode();
  return count;
}

/** A layer and the batch norm that alone reads its result. */
interface Pair {
  readonly layer: Node;
  readonly norm: BatchNorm;
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

/** All calls of a layer and the batch norm after it, in order; none where anyone else reads the layer's parameters. */
function pairsWith(editor: GraphEditor, node: Node, layers: readonly string[]): readonly Pair[] {
  const first = pairOf(readBatchNorm(editor, node), layers);
  if (!first) return [];
  const parameters = parametersOf(first.layer);
  if (!parameters.every((arg) => arg instanceof Node && arg.op === 'get_attr')) return [];
  const targets = new Set(parameters.map((arg) => (arg as Node).target));
  const names = editor.graph.nodes.filter(({ op, target }) => op === 'get_attr' && targets.has(target));
  const readers = new Set(names.flatMap(({ users }) => users));
  const pairs = editor.graph.nodes
    .filter((reader) => readers.has(reader))
    .map((layer) => {
      const [user] = layer.users;
      return user && pairOf(readBatchNorm(editor, user), layers);
    });
  return pairs.every((pair) => pair !== undefined && isAlike(pair, first)) ? (pairs as Pair[]) : [];
}

function pairOf(norm: BatchNorm | undefined, layers: readonly string[]): Pair | undefined {
  if (!norm) return undefined;
  const { input: layer, node } = norm;
  if (!isCall(layer, ...layers) || onlyUser(layer) !== node) return undefined;
  if (layer.target === LINEAR && !isMatrix(layer)) return undefined;
  // The form that says so by an argument is left: exports have the other operators.
  if (isCall(layer, ...convolutionOperators) && layer.args[6] === true) return undefined;
  return { layer, norm };
}

const parametersOf = ({ args }: Node): readonly Argument[] => args.slice(1, 3).filter((arg) => arg !== null);

/** Whether the parameters of two pairs become the same. */
function isAlike(a: Pair, b: Pair): boolean {
  const targetsOf = ({ layer }: Pair) => parametersOf(layer).map((arg) => (arg as Node).target);
  const partsOf = ({ layer, norm }: Pair) => [
    ...[layer.target, ...targetsOf({ layer, norm }), transposedGroups(layer)],
    ...[norm.weight, norm.bias, norm.mean, norm.variance, norm.eps],
  ];
  const parts = partsOf(b);
  return partsOf(a).length === parts.length && partsOf(a).every((part, i) => part === parts[i]);
}

/** Batch norm's channels are the second axis; a linear layer's the last one. */
function isMatrix(node: Node): boolean {
  return tensorMeta(node)?.shape.length === 2;
}

function foldParameters(editor: GraphEditor, pairs: readonly Pair[]): void {
  const { attributes } = editor.module;
  const [{ layer, norm }] = pairs;
  const [, weightNode, biasNode = null] = layer.args;
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
  for (const { layer } of pairs) {
    const [input, weightNode, , ...rest] = layer.args;
    layer.setArguments([input, weightNode, created, ...rest]);
  }
}

function removeBatchNorm(editor: GraphEditor, { layer, norm: { node, results } }: Pair): void {
  editor.inherit(layer, [...results, node]);
  for (const result of results) editor.replaceWith(result, layer);
  if (!results.includes(node)) editor.erase(node);
}

/** The groups of a transposed convolution, whose weight is another for each number of them. */
const transposedGroups = ({ target, args, kwargs }: Node): number | undefined =>
  TRANSPOSED.includes(target) ? ((args[6] ?? kwargs.groups ?? 1) as number) : undefined;

function foldedParameters(
  weight: Tensor,
  bias: Tensor | null,
  norm: BatchNorm,
  layer: Node,
): LayerParameters {
  try {
    return foldBatchNorm(weight, bias, norm, transposedGroups(layer));
  } catch (error) {
    throw new Error(`node '${norm.node}': ${(error as Error).message}`, { cause: error });
  }
}
