import type { Pass } from '../pass.ts';

/**
 * Dead code: removes what no output needs.
 *
 *     x → op (no users)   ⇒   (nothing)
 */
export const removeUnused: Pass = {
  name: 'remove-unused',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes.toReversed()) {
      if (node.users.length > 0 || node.op === 'placeholder' || node.op === 'output') continue;
      context.erase(node);
      count++;
    }
    return count;
  },
};
