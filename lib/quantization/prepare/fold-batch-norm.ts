import { conv1d, conv2d, conv3d, convTranspose } from '../../backend/index.ts';
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
import { Tensor } from '../../tensor/index.ts';

const BATCH_NORM = 'aten.batch_norm.default';
const BATCH_NORM_INFERENCE = 'aten._native_batch_norm_legit_no_training.default';
const CONVOLUTIONS = [...new Set([conv1d, conv2d, conv3d].flatMap(({ operators }) => operators))];
const TRANSPOSED = convTranspose.operators;
const LINEAR = 'aten.linear.default';

/**
 * Folds batch norms into the weights of the convolution, or linear layer on a matrix, before them (counterpart:
 * `_fuse_conv_bn_`): one layer is left, to be quantized as a whole. Left alone are batch norms that train, and layers
 * whose result or weights someone else uses too.
 */
export function foldBatchNorms(module: GraphModule): void {
  const { graph } = module;
  if (!graph.nodes.some((node) => isCall(node, BATCH_NORM, BATCH_NORM_INFERENCE))) return;
  for (const node of graph.nodes) {
    const norm = readBatchNorm(node, module);
    const layer = norm && foldable(norm, graph);
    if (!layer) continue;
    fold(module, layer, norm);
    for (const result of norm.results) result.replaceAllUsesWith(layer);
    graph.eliminateDeadCode();
  }
  graph.eliminateDeadCode();
}

interface BatchNorm {
  readonly input: Argument;
  readonly node: Node;
  /** Nodes whose value is the normalized tensor. */
  readonly results: readonly Node[];
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly eps: number;
}

function readBatchNorm(node: Node, module: GraphModule): BatchNorm | undefined {
  if (!isCall(node, BATCH_NORM, BATCH_NORM_INFERENCE)) return undefined;
  const training = node.target === BATCH_NORM && node.args[5] === true;
  const [weight, bias, mean, variance] = node.args.slice(1, 5).map((arg) => constantOf(arg, module));
  if (training || weight === undefined || bias === undefined || !mean || !variance) return undefined;
  const results = node.target === BATCH_NORM ? [node] : node.users;
  const isNormalized = (user: Node) => user === node || (user.target === GET_ITEM && user.args[1] === 0);
  if (!results.every(isNormalized)) return undefined;
  return {
    input: node.args[0],
    node,
    results,
    weight,
    bias,
    mean,
    variance,
    eps: node.args[node.target === BATCH_NORM ? 7 : 6] as number,
  };
}

/** The parameter behind an argument, null for None, undefined for what the graph computes. */
function constantOf(arg: Argument, module: GraphModule): Tensor | null | undefined {
  if (arg === null) return null;
  return arg instanceof Node && arg.op === 'get_attr' ? module.attribute(arg.target) : undefined;
}

function foldable({ input, node }: BatchNorm, graph: Graph): Node | undefined {
  if (!isCall(input, ...CONVOLUTIONS, ...TRANSPOSED, LINEAR) || onlyUser(input) !== node) return undefined;
  if (input.target === LINEAR && !isMatrix(input)) return undefined;
  // The form that says so by an argument is left: exports have the other operators.
  if (isCall(input, ...CONVOLUTIONS) && input.args[6] === true) return undefined;
  const parameters = input.args.slice(1, 3).filter((arg) => arg !== null);
  const isOwn = (arg: Argument) =>
    arg instanceof Node &&
    arg.op === 'get_attr' &&
    onlyUser(arg) === input &&
    !graph.nodes.some((node) => node !== arg && node.op === 'get_attr' && node.target === arg.target);
  return parameters.every(isOwn) ? input : undefined;
}

/** Batch norm's channels are the second axis; a linear layer's the last one. */
function isMatrix(node: Node): boolean {
  return tensorMeta(node)?.shape.length === 2;
}

function fold(module: GraphModule, layer: Node, norm: BatchNorm): void {
  const { graph, attributes } = module;
  const [input, weightNode, biasNode = null, ...rest] = layer.args;
  const { target } = weightNode as Node;
  const oldBias = biasNode instanceof Node ? module.attribute(biasNode.target) : null;
  const { weight, bias } = foldedParameters(
    module.attribute(target),
    oldBias,
    norm,
    channelOf(layer, module),
  );
  attributes.set(target, weight);
  if (biasNode instanceof Node) {
    attributes.set(biasNode.target, bias);
    return;
  }
  // PyTorch overwrites a parameter that has this name already.
  const biasTarget = module.unusedAttribute(`${target}_bias`);
  attributes.set(biasTarget, bias);
  const created = graph.insertingBefore(layer, () => graph.getAttr(biasTarget));
  layer.setArguments([input, weightNode, created, ...rest]);
}

/** The channel that a weight's element is for, by the element's position. */
type ChannelOf = (position: number) => number;

/** Weights begin with the channels that come out; those of transposed convolutions with the ones that go in. */
function channelOf({ target, args, kwargs }: Node, module: GraphModule): ChannelOf {
  const { shape, numel } = module.attribute((args[1] as Node).target);
  if (!TRANSPOSED.includes(target)) return (position) => Math.floor(position / (numel / shape[0]));
  const groups = (args[6] ?? kwargs.groups ?? 1) as number;
  const [inputs, outputs] = shape;
  const places = numel / (inputs * outputs);
  return (position) => {
    const group = Math.floor(position / (outputs * places) / (inputs / groups));
    return group * outputs + (Math.floor(position / places) % outputs);
  };
}

const f32 = Math.fround;

function foldedParameters(weight: Tensor, bias: Tensor | null, norm: BatchNorm, channel: ChannelOf) {
  const floats = (tensor: Tensor | null, otherwise: number): Float32Array | number[] => {
    if (tensor === null) return Array(norm.mean.numel).fill(otherwise);
    if (tensor.data instanceof Float32Array) return tensor.data;
    throw new Error(
      `node '${norm.node}': folding a batch norm takes float32 parameters, got ${tensor.dtype}`,
    );
  };
  const [scale, shift, old] = [floats(norm.weight, 1), floats(norm.bias, 0), floats(bias, 0)];
  const [mean, variance, weights] = [floats(norm.mean, 0), floats(norm.variance, 1), floats(weight, 0)];
  const eps = f32(norm.eps);
  const factors = new Float32Array(scale.length);
  const newBias = new Float32Array(scale.length);
  for (let c = 0; c < scale.length; c++) {
    const inverse = f32(1 / f32(Math.sqrt(f32(variance[c] + eps))));
    factors[c] = scale[c] * inverse;
    newBias[c] = f32(f32(f32(old[c] - mean[c]) * inverse) * scale[c]) + shift[c];
  }
  const newWeights = Float32Array.from(weights, (value, i) => value * factors[channel(i)]);
  return {
    weight: new Tensor('float32', newWeights, weight.shape),
    bias: new Tensor('float32', newBias, [scale.length]),
  };
}
