import type { Graph } from './graph.ts';
import type { Node } from './node.ts';

/**
 * The nodes whose value is the same for every input: parameters, buffers, and what is computed from these alone, such as a
 * weight that a mask prunes or an adapter is added to.
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
