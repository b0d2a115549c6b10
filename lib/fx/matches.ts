import {
  type BackendConfig,
  type BackendPatternConfig,
  keysOf,
  type ObservationType,
} from '../backend/index.ts';
import { constantNodes, type Graph, Node, onlyUser } from '../graph/index.ts';
import type { Call } from './calls.ts';

/** Nodes that are quantized together: a layer and the ReLU after it, for example. */
export interface Match {
  /** In the order in which they run. */
  readonly nodes: readonly [Node, ...Node[]];
  readonly calls: readonly [Call, ...Call[]];
  readonly config: BackendPatternConfig;
  readonly observationType: ObservationType;
}

/**
 * The patterns of a backend in a graph (counterpart: `_find_matches`): from the end to the beginning, the longest of several first. Each node
 * is in at most one. Between the nodes of a pattern nobody else reads. What only constants go into is no activation, and matches nothing.
 */
export function findMatches(
  graph: Graph,
  calls: ReadonlyMap<Node, Call>,
  backend: BackendConfig,
): readonly Match[] {
  const constants = constantNodes(graph);
  const configs = backend.configs.toSorted((a, b) => b.keys.length - a.keys.length);
  const matched = new Set<Node>();
  const matches: Match[] = [];
  for (const last of graph.nodes.toReversed()) {
    if (matched.has(last) || constants.has(last)) continue;
    for (const config of configs) {
      const nodes = chainTo(last, config.keys, calls);
      if (!nodes || nodes.some((node) => matched.has(node))) continue;
      for (const node of nodes) matched.add(node);
      matches.push({
        nodes,
        calls: nodes.map((node) => calls.get(node)!) as unknown as Match['calls'],
        config,
        observationType: config.observationTypeFor(tensorsAmong(nodes[0])),
      });
      break;
    }
  }
  return matches.toReversed();
}

/** The nodes of these types of which each is the first argument of the next, and nobody else's. */
function chainTo(
  last: Node,
  keys: readonly string[],
  calls: ReadonlyMap<Node, Call>,
): Match['nodes'] | undefined {
  const chain: Node[] = [];
  let node: unknown = last;
  for (const key of keys.toReversed()) {
    if (!(node instanceof Node)) return undefined;
    const call = calls.get(node);
    if (!call || !keysOf(call.type).includes(key)) return undefined;
    if (chain[0] && onlyUser(node) !== chain[0]) return undefined;
    chain.unshift(node);
    node = node.args[0];
  }
  return chain as unknown as Match['nodes'];
}

function tensorsAmong({ args }: Node): number {
  return args.filter((arg) => arg instanceof Node).length;
}
