import type { Pass } from '../pass.ts';

/**
 * Dead code elimination: removes what no output needs. A model's assertions about its sizes stay.
 *
 *     x → op (no users)   ⇒   (nothing)
 */
export const removeUnused: Pass = {
  name: 'remove-unused',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes.toReversed()) {
      const isNeeded = node.users.length > 0 || node.target === 'aten._assert_scalar.default';
      if (isNeeded || node.op === 'placeholder' || node.op === 'output') continue;
      context.erase(node);
      count++;
    }
    return count;
  },
};
