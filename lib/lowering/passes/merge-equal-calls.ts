import { type Node, serializeArgument } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';

/**
 * Common subexpression elimination: of several equal calls only the first is kept. No operator here has a side effect.
 *
 *     x ─┬→ quantize(s, z) → a          x → quantize(s, z) ─┬→ a
 *        └→ quantize(s, z) → b    ⇒                         └→ b
 */
export const mergeEqualCalls: Pass = {
  name: 'merge-equal-calls',
  run(context) {
    let count = 0;
    const first = new Map<string, Node>();
    for (const node of context.graph.nodes) {
      if (node.op !== 'call_function' && node.op !== 'get_attr') continue;
      const kwargs = Object.entries(node.kwargs).sort(([a], [b]) => (a < b ? -1 : 1));
      const key = JSON.stringify([
        node.op,
        node.target,
        node.args.map(serializeArgument),
        kwargs.map(([name, arg]) => [name, serializeArgument(arg)]),
      ]);
      const twin = first.get(key);
      if (!twin) {
        first.set(key, node);
        continue;
      }
      context.inherit(twin, [node]);
      context.replaceWith(node, twin);
      count++;
    }
    return count;
  },
};
