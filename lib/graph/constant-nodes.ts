import type { Graph } from './graph.ts';
import type { Node } from './node.ts';

/**
 * Nodes whose value is the same for every input: parameters, buffers, and everything computed from these alone, such as
 * a pruned weight (multiplied by a mask) or a weight with an adapter added.
 */
export function constantNodes(graph: Graph): ReadonlySet<Node> {
  const constants = new Set<Node>();
  for (const node of graph.nodes)
    if (
      node.op !== 'placeholder' &&
      node.op !== 'output' &&
      node.allInputNodes.every((n) => constants.has(n))
    )
      constants.add(node);
  return constants;
}
