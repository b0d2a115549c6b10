import { operators } from '../aten/index.ts';
import { GET_ITEM, type GraphModule, type Node } from '../graph/index.ts';

/** @throws Error that lists every operator that no plan can compute, with a count of each and the first node. */
export function checkOperators({ graph }: GraphModule): void {
  const unsupported = new Map<string, Node[]>();
  for (const node of graph.nodes)
    if (node.op === 'call_module' || (node.op === 'call_function' && !isKnown(node.target)))
      unsupported.set(node.target, [...(unsupported.get(node.target) ?? []), node]);
  if (unsupported.size === 0) return;
  const list = [...unsupported].map(
    ([target, nodes]) => `${target} (${nodes.length} times, first in node '${nodes[0].name}')`,
  );
  throw new Error(`compile: not supported: ${list.join('; ')}`);
}

const isKnown = (target: string): boolean => target === GET_ITEM || operators.has(target);
