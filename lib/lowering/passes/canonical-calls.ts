import { operators } from '../../aten/index.ts';
import { type Argument, functionalName, type Node } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';

/**
 * Gives every call its canonical form: the functional name instead of the in-place one (capture has already redirected
 * later uses of the changed tensor to the operator's result), and positional arguments where possible.
 *
 *     aten.cat.default([x], dim=1)   ⇒   aten.cat.default([x], 1)
 *     aten.relu_.default(x)          ⇒   aten.relu.default(x)
 */
export const canonicalCalls: Pass = {
  name: 'canonical-calls',
  run({ graph }) {
    let count = 0;
    for (const node of graph.nodes) {
      if (node.op !== 'call_function' || !operators.has(node.target)) continue;
      const functional = functionalName(node.target);
      const renamed = functional !== node.target && operators.has(functional);
      if (renamed) node.target = functional;
      if (takePositions(node) || renamed) count++;
    }
    return count;
  },
};

function takePositions(node: Node): boolean {
  const positional = operators.get(node.target).schema.arguments.filter(({ keywordOnly }) => !keywordOnly);
  const last = positional.findLastIndex(({ name }) => Object.hasOwn(node.kwargs, name));
  if (last < 0) return false;
  const args = positional
    .slice(0, Math.max(last + 1, node.args.length))
    .map(({ name, defaultValue }, i): Argument => node.args[i] ?? node.kwargs[name] ?? defaultValue ?? null);
  const kwargs = Object.entries(node.kwargs).filter(([key]) => !positional.some(({ name }) => name === key));
  node.setArguments(args, Object.fromEntries(kwargs));
  return true;
}
