import { type BackendOperator, conv2d, x86Backend } from '../../backend/index.ts';
import {
  findSequentialPartitions,
  type GraphModule,
  getSourcePartitions,
  Node,
  type SourcePartition,
} from '../../graph/index.ts';
import { getInputActQspec, getOutputActQspec, type QuantizationConfig } from '../quantization-config.ts';
import type { QuantizationSpecBase } from '../specs.ts';
import {
  type Assignment,
  annotateLayer,
  excludeFromQuantization,
  mayAnnotate,
  X86QuantizationAnnotation,
} from './annotation.ts';

/**
 * A layer and what the backend computes together with it, as a chain of sources:
 *
 *     layer -> [batch norm, in training] -> [add of another tensor] -> [unary]
 */
interface FusionPattern {
  readonly layer: BackendOperator;
  readonly batchNorm?: true;
  readonly add?: true;
  readonly unary?: string;
}

/** What the backend has kernels for and the recipe annotates; in the order they are tried: what covers most first. */
const patterns: readonly FusionPattern[] = x86Backend.patterns
  .filter(({ dtypes, annotated }) => dtypes.weight !== undefined && annotated !== 'never')
  .flatMap(({ operator, addition, functions }) => {
    const pattern = { layer: operator, ...(addition ? { add: addition } : {}) };
    return functions ? functions.map(({ sources }) => ({ ...pattern, unary: sources[0] })) : [pattern];
  });
const batchNormPatterns: readonly FusionPattern[] = patterns
  .filter(({ layer }) => layer === conv2d)
  .map((pattern) => ({ ...pattern, batchNorm: true }));

/** Annotates convolutions and linear layers with what is fused into them. */
export function annotateFusionPatterns(module: GraphModule, assignment: Assignment): void {
  const { config } = assignment;
  // Batch norms are still there when training, and are excluded with their convolution.
  const withBatchNorm = config === null || config.isQat ? batchNormPatterns : [];
  for (const pattern of [...withBatchNorm, ...patterns])
    for (const partitions of findChains(module, pattern)) {
      const match = matchNodes(pattern, partitions);
      if (match && mayAnnotate(match.nodes, assignment.filter)) annotate(pattern, match, partitions, config);
    }
}

/** A layer with nothing fused is found by its function too; chains, as in PyTorch, by what is known as equivalent. */
function findChains(module: GraphModule, pattern: FusionPattern): SourcePartition[][] {
  const { layer, batchNorm, add, unary } = pattern;
  if (!batchNorm && !add && !unary)
    return [...getSourcePartitions(module.graph, layer.sources).values()].flat().map((found) => [found]);
  const sources = [layer.sources[0]];
  if (batchNorm) sources.push('torch.nn.modules.batchnorm.BatchNorm2d');
  if (add) sources.push('_operator.add');
  if (unary) sources.push(unary);
  return findSequentialPartitions(module, sources);
}

interface Match {
  readonly nodes: readonly Node[];
  readonly layer: Node;
  /** The addition and the tensor that is added. */
  readonly add?: { readonly node: Node; readonly extra: Node };
  /** The pattern's last node. */
  readonly output: Node;
}

/** The nodes of a chain of partitions, where they are what the backend can fuse. */
function matchNodes(pattern: FusionPattern, partitions: readonly SourcePartition[]): Match | undefined {
  const nodes = partitions.map(({ outputNodes, source }) => {
    if (outputNodes.length > 1)
      throw new Error(
        `${source} gives several results (${outputNodes.join(', ')}); such a layer is not quantized`,
      );
    return outputNodes[0];
  });
  const [layer] = nodes;
  if (nodes.includes(undefined as never) || layer.target !== pattern.layer.operators[0]) return undefined;
  const match = { nodes, layer, output: nodes.at(-1)! };
  if (!pattern.add) return match;
  const at = pattern.batchNorm ? 2 : 1;
  const [summand, node] = [nodes[at - 1], nodes[at]];
  // The sum is computed in place of the layer's own result: nobody else may need that.
  if (summand.users.length !== 1) return undefined;
  const extra = node.args[0] === summand ? node.args[1] : node.args[0];
  if (!(extra instanceof Node) || !node.args.slice(0, 2).includes(summand)) return undefined;
  return { ...match, add: { node, extra } };
}

function annotate(
  pattern: FusionPattern,
  { nodes, layer, add, output }: Match,
  partitions: readonly SourcePartition[],
  config: QuantizationConfig | null,
): void {
  if (config === null) excludeFromQuantization(nodes);
  else {
    annotateLayer(layer, config, output === layer);
    if (add) annotateAdd(pattern, add, config, output === add.node);
    if (output !== layer && output !== add?.node)
      output.meta.quantizationAnnotation = new X86QuantizationAnnotation({
        isOutputOfQuantizedPattern: true,
      });
    if (pattern.batchNorm) output.meta.quantizationAnnotation!.outputQspec = getOutputActQspec(config);
  }
  if (!pattern.batchNorm) return;
  for (const node of partitions.flatMap((partition) => partition.nodes))
    node.meta.quantizationAnnotation ??= new X86QuantizationAnnotation({});
}

function annotateAdd(
  { layer }: FusionPattern,
  { node, extra }: NonNullable<Match['add']>,
  config: QuantizationConfig,
  isOutputOfQuantizedPattern: boolean,
): void {
  const inputQspecMap = new Map<Node, QuantizationSpecBase | null>();
  // After a linear layer the other summand stays in floating point: quantizing it costs accuracy.
  if (layer === conv2d) inputQspecMap.set(extra, getInputActQspec(config));
  node.meta.quantizationAnnotation = new X86QuantizationAnnotation({
    inputQspecMap,
    isOutputOfQuantizedPattern,
  });
}
