import { operators } from '../aten/index.ts';
import { convolutionOperators, linear } from '../backend/index.ts';
import { Arguments, GraphModule, type Node } from '../graph/index.ts';
import { reportOf } from '../lowering/index.ts';
import { ConstantEvaluator } from '../quantization/convert/constant-evaluator.ts';
import { foldBatchNorms } from '../quantization/prepare/fold-batch-norm.ts';
import { numelOf, Tensor } from '../tensor/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { type Comparison, compare } from './comparison.ts';
import { modulePathOf } from './debug-handles.ts';

/** A layer's weight in two models. */
export interface WeightComparison extends Comparison {
  /** Path of the module that the layer comes from; empty if unknown. */
  readonly modulePath: string;
  readonly refNodeName: string;
  readonly actualNodeName: string;
  /** By output channel; of an embedding by row. */
  readonly channels: readonly Comparison[];
  /** Both weights, dequantized. */
  readonly ref: Tensor;
  readonly actual: Tensor;
}

/**
 * Compares the weights of two stages of a model, layer by layer and channel by channel: convolutions, linear layers and embeddings
 * (counterpart: `torch.ao.ns._numeric_suite_fx.extract_weights`, with a comparison). Quantized weights are dequantized, those of lowered
 * models too, also where these merge layers; batch norms that one stage has folded are folded in the other, for the comparison alone.
 *
 * @example
 * for (const [layer, { sqnr, channels }] of extractWeights(captured, lowered))
 *   console.log(layer, sqnr, Math.min(...channels.map((channel) => channel.sqnr)));
 *
 * @param reference any stage of the model, usually the captured one.
 * @param actual any other, made from the same captured model.
 * @returns by the name that the layer has in the captured model: `conv2d_1`.
 * @throws Error that names the layer when its weights have different shapes, or when the models have no layer in common.
 */
export function extractWeights(
  reference: GraphModule,
  actual: GraphModule,
): ReadonlyMap<string, WeightComparison> {
  const stages = [reference, actual].map((stage) => GraphModule.accept(stage, 'extractWeights'));
  const [norms, others] = stages.map(batchNormsOf);
  const unfolded = new Set([...norms].filter((norm) => others.has(norm)));
  const [refLayers, actualLayers] = stages.map((stage) => weightsOf(stage, unfolded));
  const compared = new Map<string, WeightComparison>();
  for (const [name, ref] of refLayers) {
    const other = actualLayers.get(name);
    if (other) compared.set(name, compareWeights(name, ref, other));
  }
  if (compared.size === 0)
    throw new Error(
      `extractWeights: the models have no layer in common, of ${refLayers.size} and ${actualLayers.size}; ` +
        'make both from the same captured model',
    );
  return compared;
}

/** Whether a model has layers that {@link extractWeights} compares. */
export const hasWeights = (module: GraphModule): boolean => weightsOf(module, new Set()).size > 0;

interface Layer {
  readonly node: Node;
  readonly weight: Tensor;
}

function compareWeights(name: string, ref: Layer, actual: Layer): WeightComparison {
  const where = `extractWeights: layer '${name}'`;
  const comparison = compare(actual.weight, ref.weight, where);
  const [ours, theirs] = [actual, ref].map(({ weight }) => channelsOf(weight));
  return {
    ...comparison,
    modulePath: modulePathOf(ref.node),
    refNodeName: ref.node.name,
    actualNodeName: actual.node.name,
    channels: ours.map((channel, c) => compare(channel, theirs[c], `${where}, channel ${c}`)),
    ref: ref.weight,
    actual: actual.weight,
  };
}

const layers = new Set([...convolutionOperators, ...linear.operators, 'aten.embedding.default']);

/** Names in the captured model of the batch norms that a stage still computes, by a node of their own. */
function batchNormsOf(module: GraphModule): ReadonlySet<string> {
  const isNorm = (target: string | null) => target?.includes('batch_norm') ?? false;
  const norms = reportOf(module).nodes.filter(({ target, step }) => isNorm(target) && isNorm(step));
  return new Set(norms.map(({ node }) => node));
}

/**
 * By the name in the captured model: stages keep names of layers, and lowering records what became of them.
 * @param unfolded the batch norms that the other stage has, too: they are in neither's weights.
 */
function weightsOf(module: GraphModule, unfolded: ReadonlySet<string>): ReadonlyMap<string, Layer> {
  const folded = module.clone();
  foldBatchNorms(new GraphEditor(folded), undefined, ({ name }) => !unfolded.has(name));
  const evaluator = new ConstantEvaluator(folded, operators);
  const nodes = new Map(folded.graph.nodes.map((node) => [node.name, node]));
  const found = new Map<string, Layer>();
  for (const { node: name, target, lowered, computedBy } of reportOf(folded).nodes) {
    const node = layers.has(target) && lowered !== null ? nodes.get(lowered) : undefined;
    const weight = node && weightOf(node, evaluator);
    const part = computedBy.flatMap((each) => nodes.get(each) ?? []).find((each) => isPart(each, node));
    if (weight) found.set(name, { node, weight: part ? rowsOf(weight, part) : weight });
  }
  return found;
}

/** Whether a node picks one layer's results from those of several that were merged: the last extent's. */
const isPart = (node: Node, merged: Node | undefined): boolean =>
  node.target === 'aten.slice.Tensor' && node.args[0] === merged && node.args[1] === -1;

/** The rows of a merged weight that compute what `part` picks. */
function rowsOf({ dtype, data, shape: [, ...rest] }: Tensor, { args }: Node): Tensor {
  const [begin, end] = args.slice(2) as readonly number[];
  const size = numelOf(rest);
  return new Tensor(dtype, data.subarray(begin * size, end * size), [end - begin, ...rest]);
}

/** The names that schemas have for a layer's weight. */
const weightNames = ['weight', 'W', 'w', 'qw'];

/** Undefined where it is computed from an input. */
function weightOf(node: Node, evaluator: ConstantEvaluator): Tensor | undefined {
  if (node.op !== 'call_function') return undefined;
  const args = Arguments.bind<Node>(operators.get(node.target).schema, node.args, node.kwargs);
  const has = (name: string) => args.schema.arguments.some((argument) => argument.name === name);
  const name = weightNames.find(has);
  const weight = name && evaluator.evaluate(args.tensor(name));
  if (!weight || !has('w_scale')) return weight || undefined;
  const scale = evaluator.evaluate(args.tensor('w_scale'));
  // Weights that lowered layers read have a zero point of 0.
  return scale && scaled(weight, scale);
}

function scaled({ data, shape }: Tensor, scale: Tensor): Tensor {
  const scales = scale.toArray();
  const inChannel = numelOf(shape.slice(1));
  const values = Float32Array.from(
    data as Int8Array,
    (q, i) => q * scales[scales.length === 1 ? 0 : Math.floor(i / inChannel)],
  );
  return new Tensor('float32', values, shape);
}

/** Views of its rows along the first axis. */
function channelsOf({ dtype, data, shape }: Tensor): readonly Tensor[] {
  const [channels, ...rest] = shape;
  const size = numelOf(rest);
  return Array.from(
    { length: channels },
    (_, c) => new Tensor(dtype, data.subarray(c * size, (c + 1) * size), rest),
  );
}
