import { onlyUser } from '../../graph/index.ts';
import { givesFloat, type Pass } from '../pass.ts';
import { fusedOperators } from '../patterns/fused-operators.ts';
import { unaryOf } from '../patterns/unary.ts';

/**
 * Fuses a pointwise function into the preceding convolution or linear layer, with or without a fused addition.
 *
 *     conv [+ addition] → relu | hardtanh | hardswish | silu | gelu | … → y   ⇒   conv(…, 'relu') → y
 */
export const fuseUnary: Pass = {
  name: 'fuse-unary',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      const form = fusedOperators.get(node.target);
      const slot = form?.unary;
      if (!slot || !givesFloat(context, node)) continue;
      const user = onlyUser(node);
      if (!user) {
        const wanted = node.users.find((other) => unaryOf(context, other));
        if (wanted) context.refuse(wanted, `the result of ${node} has several users`);
        continue;
      }
      const unary = unaryOf(context, user);
      const named = context.named(node);
      if (!unary || named[slot.name] !== 'none' || !form.functions.includes(unary.name)) continue;
      const fused = {
        [slot.name]: unary.name,
        [slot.scalars]: unary.scalars,
        [slot.algorithm]: unary.algorithm,
      };
      context.replace(user, node.target, { ...named, ...fused }, [node]);
      count++;
    }
    return count;
  },
};
