import type { Graph } from '../graph.ts';
import { Node } from '../node.ts';

/** The nodes that one call of a module or function was traced into (counterpart: `SourcePartition`). */
export interface SourcePartition {
  /** In graph order. */
  readonly nodes: readonly Node[];
  /** The module class or function: `torch.nn.modules.conv.Conv2d`. */
  readonly source: string;
  /** Nodes outside the partition that its nodes use as arguments. */
  readonly inputNodes: readonly Node[];
  /** Nodes whose result is used outside. */
  readonly outputNodes: readonly Node[];
  /** Parameters and buffers among the nodes. */
  readonly params: readonly Node[];
}

/**
 * Groups nodes by the innermost module or function call they were traced from (counterpart:
 * `torch.fx.passes.utils.source_matcher_utils.get_source_partitions`).
 * @param wantedSources sources as `meta.sourceFnStack` names them: `torch.nn.modules.linear.Linear`, `_operator.add`.
 * @param filter if present, keeps only partitions in which it accepts every node.
 * @returns partitions by source; sources, and partitions of a source, in the order they first appear.
 */
export function getSourcePartitions(
  graph: Graph,
  wantedSources: readonly string[],
  filter: (node: Node) => boolean = () => true,
): Map<string, SourcePartition[]> {
  const wanted = new Set(wantedSources);
  const groups = new Map<string, Map<string, Node[]>>();
  for (const node of graph.nodes) {
    const source = node.meta.sourceFnStack?.at(-1);
    if (source === undefined || !wanted.has(source.target)) continue;
    const calls = groups.get(source.target) ?? new Map<string, Node[]>();
    groups.set(source.target, calls);
    calls.set(source.name, [...(calls.get(source.name) ?? []), node]);
  }
  return new Map(
    [...groups].map(([source, calls]) => [
      source,
      [...calls.values()].filter((nodes) => nodes.every(filter)).map((nodes) => partition(nodes, source)),
    ]),
  );
}

function partition(nodes: readonly Node[], source: string): SourcePartition {
  const inside = new Set(nodes);
  const inputs = nodes.flatMap((node) => node.args.filter((arg) => arg instanceof Node && !inside.has(arg)));
  return {
    nodes,
    source,
    inputNodes: [...new Set(inputs as Node[])],
    outputNodes: nodes.filter((node) => node.users.some((user) => !inside.has(user))),
    params: nodes.filter((node) => node.op === 'get_attr'),
  };
}

/** Whether a node of `second` uses a node of `first` (`check_subgraphs_connected`). */
export function areConnected(first: SourcePartition, second: SourcePartition): boolean {
  return first.nodes.some((node) => node.users.some((user) => second.nodes.includes(user)));
}
