import { GET_ITEM } from './get-item.ts';
import type { Graph } from './graph.ts';

/**
 * The operators that a graph calls, with their counts, for messages: `aten.conv2d.default (2), aten.relu.default (1)`.
 */
export function describeOperators(graph: Graph): string {
  const counts = new Map<string, number>();
  for (const { op, target } of graph.nodes)
    if (op === 'call_function' && target !== GET_ITEM) counts.set(target, (counts.get(target) ?? 0) + 1);
  return [...counts].map(([target, count]) => `${target} (${count})`).join(', ') || 'no operators';
}
