import type { GraphModule } from '../graph-module.ts';
import type { Node } from '../node.ts';
import { areConnected, getSourcePartitions, type SourcePartition } from './source-partitions.ts';

/** Modules, functions and methods that trace to the same operator. */
const equivalentSources: readonly (readonly string[])[] = [
  ['torch.nn.modules.conv.Conv1d', 'torch.conv1d'],
  ['torch.nn.modules.conv.Conv2d', 'torch.conv2d'],
  ['torch.nn.modules.pooling.AdaptiveAvgPool2d', 'torch.nn.functional.adaptive_avg_pool2d'],
  ['torch.nn.modules.activation.ReLU', 'torch.nn.functional.relu', 'torch.relu_'],
  ['torch.nn.modules.batchnorm.BatchNorm2d', 'torch.nn.functional.batch_norm'],
  ['torch.nn.modules.activation.Hardtanh', 'torch.nn.functional.hardtanh', 'torch._C._nn.hardtanh_'],
  ['torch.add', '_operator.add', '_operator.iadd', 'add', 'add_'],
  ['torch.mul', '_operator.mul', '_operator.imul', 'mul', 'mul_'],
];

/** The source and all sources that trace to the same operator (counterpart: `_get_matching_types`). */
export function equivalentsOf(source: string): readonly string[] {
  return equivalentSources.find((sources) => sources.includes(source)) ?? [source];
}

/**
 * Finds chains of source partitions, each using the one before (counterpart:
 * `torch.ao.quantization.pt2e.graph_utils.find_sequential_partitions`). A module class also matches its functional
 * form, as in PyTorch.
 * @param sources the chain's sources, no two of them equivalent.
 * @returns one partition a source for every chain, ordered by the first, then by the second, and so on.
 * @throws Error when two of the sources are equivalent.
 */
export function findSequentialPartitions(
  module: GraphModule,
  sources: readonly string[],
  filter?: (node: Node) => boolean,
): SourcePartition[][] {
  const families = sources.map(equivalentsOf);
  if (new Set(families).size < families.length || new Set(families.flat()).size < families.flat().length)
    throw new Error(`sequence [${sources.join(', ')}] names equivalent sources`);
  const candidates = families.map((family) =>
    [...getSourcePartitions(module.graph, family, filter).values()].flat(),
  );
  let chains: SourcePartition[][] = [[]];
  for (const step of candidates)
    chains = chains.flatMap((chain) =>
      step
        .filter((next) => chain.length === 0 || areConnected(chain.at(-1)!, next))
        .map((next) => [...chain, next]),
    );
  return chains;
}
