import { describeOperators, GraphModule } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import { floatConstant, setConstant } from '../../transforms/layer-constants.ts';
import { foldBatchNorms } from '../prepare/fold-batch-norm.ts';
import { type LayerPair, layerPairs, type ScalableLayer } from './pairs.ts';

/** Two layers that {@link crossLayerEqualization} has scaled. */
export interface Equalization {
  /** Names of their nodes. */
  readonly layers: readonly [first: string, second: string];
  /** What each channel between them is divided by, and what the second layer's weights for it are multiplied by. */
  readonly factors: Float32Array;
}

/** What {@link crossLayerEqualization} returns. */
export interface Equalized {
  /** The same function of its inputs, up to the rounding of float32; batch norms are folded. */
  readonly module: GraphModule;
  readonly equalizations: readonly Equalization[];
}

/** A factor this close to 1, relatively, moves no weight of 8 bits by a step. */
const SETTLED = 1e-4;
/** A range this small beside the layer's largest is that of a channel that is dead but for rounding: its bias would grow without bounds. */
const DEAD = 1e-6;
/** Chains of layers settle in a few sweeps; this many only stop one that would creep. */
const MOST_SWEEPS = 100;

/**
 * Gives the weights of successive layers channels of similar ranges (Nagel et al. 2019, section 4.1, https://arxiv.org/abs/1906.04721;
 * counterpart: `torch.ao.quantization._equalize.equalize`). A channel between two layers may be scaled, if everything between them is
 * positively homogeneous, as ReLU is: f(s x) = s f(x). Each is, so that the first layer's range of weights for it equals the second's:
 *
 *     W1' = W1 / s,  b1' = b1 / s,  W2' = W2 s        s = sqrt(range(W1[c, :]) / range(W2[:, c]))
 *
 * This helps where one scale serves several channels: the weights of a depthwise or per-tensor quantized layer, and all activations.
 * Pairs are found in the graph: convolutions, grouped ones included, and linear layers with weights of their own, with ReLU, leaky
 * ReLU, pooling or nothing between them. ReLU6 and Hardswish are not homogeneous: pairs around them are left, where the paper
 * replaces ReLU6 and so changes the function. In longer chains pairs are swept until no factor moves. A channel whose weights are
 * all the same on one side, for which PyTorch gives NaN or a factor of 1e9, or differ by less than a millionth of what the layer's most
 * different ones do, keeps its scale. `model` itself is left as it is.
 * @param model a captured float model, before `preparePt2e`.
 *
 * @example
 * const { module, equalizations } = crossLayerEqualization(await loadPt2('mobilenet.pt2'));
 * const model = await quantizeStatic(module, batches);
 *
 * @throws Error when the model is prepared already, has no such pair, or has a weight that is not a finite number.
 */
export function crossLayerEqualization(model: GraphModule): Equalized {
  const module = GraphModule.accept(model, 'crossLayerEqualization').clone();
  if (module.modules.size > 0)
    throw new Error('crossLayerEqualization: the model is prepared already; equalize it before preparePt2e');
  const editor = new GraphEditor(module);
  foldBatchNorms(editor);
  const pairs = layerPairs(editor);
  if (pairs.length === 0)
    throw new Error(
      'crossLayerEqualization: the model has no two layers with constant float32 weights of their own and nothing but ReLU, leaky ReLU ' +
        `or pooling between them; it has ${describeOperators(module.graph)}`,
    );
  const weights = new Map(pairs.flatMap(({ first, second }) => [first, second]).map(withNumbers));
  const factors = pairs.map(({ first }) => new Float64Array(first.weight.shape[0]).fill(1));
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    const moved = pairs.map((pair, i) => equalize(pair, weights, factors[i]));
    if (Math.max(...moved) < SETTLED) break;
  }
  for (const [i, pair] of pairs.entries()) applyFactors(editor, pair, factors[i]);
  module.deleteUnused();
  module.graph.lint();
  return {
    module,
    equalizations: pairs.map(({ first, second }, i) => ({
      layers: [first.node.name, second.node.name],
      factors: Float32Array.from(factors[i]),
    })),
  };
}

type Weights = Map<string, Float64Array>;

function withNumbers({ node, weight }: ScalableLayer): [string, Float64Array] {
  const numbers = Float64Array.from(weight.data as Float32Array);
  const bad = numbers.find((value) => !Number.isFinite(value));
  if (bad !== undefined)
    throw new Error(`crossLayerEqualization: the weight of layer '${node}' has the value ${bad}`);
  return [node.name, numbers];
}

/** Scales the channels between two layers; returns by how much the factor furthest from 1 differs from it. */
function equalize({ first, second }: LayerPair, weights: Weights, total: Float64Array): number {
  const [before, after] = [weights.get(first.node.name)!, weights.get(second.node.name)!];
  const [toward, from] = [outputOf(first), inputOf(second)];
  const [ranges, others] = [ranged(before, toward, total.length), ranged(after, from, total.length)];
  const [least, leastOther] = [ranges, others].map((each) => DEAD * Math.max(...each));
  const step = ranges.map((range, c) =>
    range > least && others[c] > leastOther ? Math.sqrt(range / others[c]) : 1,
  );
  before.forEach((value, i) => {
    before[i] = value / step[toward(i)];
  });
  after.forEach((value, i) => {
    after[i] = value * step[from(i)];
  });
  step.forEach((factor, c) => {
    total[c] *= factor;
  });
  return step.reduce((most, factor) => Math.max(most, Math.abs(factor - 1)), 0);
}

/** The largest minus the smallest weight of each channel, as PyTorch's `channel_range`. */
function ranged(numbers: Float64Array, channelOf: ChannelOf, channels: number): Float64Array {
  const [low, high] = [Infinity, -Infinity].map((value) => new Float64Array(channels).fill(value));
  for (let i = 0; i < numbers.length; i++) {
    const c = channelOf(i);
    low[c] = Math.min(low[c], numbers[i]);
    high[c] = Math.max(high[c], numbers[i]);
  }
  return high.map((value, c) => value - low[c]);
}

/** The channel that an element of a weight belongs to. */
type ChannelOf = (element: number) => number;

function outputOf({ weight: { shape, numel } }: ScalableLayer): ChannelOf {
  const size = numel / shape[0];
  return (element) => Math.floor(element / size);
}

/** A group's outputs read its inputs alone: of a depthwise layer the output and the input have one number. */
function inputOf({ weight: { shape, numel }, groups }: ScalableLayer): ChannelOf {
  const [outputs, perGroup] = shape;
  const kernel = numel / outputs / perGroup;
  return (element) => {
    const row = Math.floor(element / kernel);
    const group = Math.floor(Math.floor(row / perGroup) / (outputs / groups));
    return group * perGroup + (row % perGroup);
  };
}

function applyFactors(
  editor: GraphEditor,
  { first, second, between }: LayerPair,
  factors: Float64Array,
): void {
  const divide = (value: number, c: number) => value / factors[c];
  change(editor, first, 1, outputOf(first), divide);
  if (first.bias) change(editor, first, 2, (element) => element, divide);
  change(editor, second, 1, inputOf(second), (value, c) => value * factors[c]);
  // Their values are no longer the captured ones.
  for (const node of between) delete node.meta.numericDebugHandle;
}

/** Changes each element of a layer's parameter by its channel. */
function change(
  editor: GraphEditor,
  { node }: ScalableLayer,
  at: number,
  channelOf: ChannelOf,
  by: (value: number, channel: number) => number,
): void {
  // Another pair may have changed it since the pairs were read.
  const { data, shape } = floatConstant(editor.module, node.args[at])!;
  const changed = (data as Float32Array).map((value, i) => by(value, channelOf(i)));
  setConstant(editor, node, at, new Tensor('float32', changed, shape), at === 1 ? 'weight' : 'bias');
}
