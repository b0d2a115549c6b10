import { dimsEqual, type Node } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';

/** Calls that return their first argument unchanged, for any shape: tensors here are immutable values. */
const copies = new Set([
  'aten.alias.default',
  'aten.clone.default',
  'aten.contiguous.default',
  'aten.detach.default',
  'aten.lift_fresh_copy.default',
]);
const dropouts = new Set([
  'aten.dropout.default',
  'aten.feature_dropout.default',
  'aten.alpha_dropout.default',
]);
/** Calls that return their first argument unchanged if dtype and shape stay the same. */
const conversions = new Set([
  'aten.to.dtype',
  'aten._to_copy.default',
  'aten.view.default',
  'aten.reshape.default',
  'aten._unsafe_view.default',
  'aten.flatten.using_ints',
  'aten.expand.default',
  // Each element is its own average, as in VGG on images of the classifier's size.
  'aten.adaptive_avg_pool1d.default',
  'aten.adaptive_avg_pool2d.default',
]);

/**
 * Removes calls that return their input.
 *
 *     x → dropout(train=false) | clone | contiguous | view or average pooling to the same shape → y   ⇒   x → y
 */
export const removeIdentities: Pass = {
  name: 'remove-identities',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (node.op !== 'call_function' || !isIdentity(context, node)) continue;
      const input = node.args[0] as Node;
      // An input or a parameter cannot be an output directly: a step has to write the output's memory.
      if (input.op !== 'call_function' && node.users.some((user) => user.op === 'output')) continue;
      context.replaceWith(node, input);
      count++;
    }
    return count;
  },
};

function isIdentity(context: PassContext, node: Node): boolean {
  if (copies.has(node.target)) return true;
  if (dropouts.has(node.target)) return !context.args(node).bool('train');
  if (!conversions.has(node.target)) return false;
  const [before, after] = [context.meta(node.args[0] as Node), context.meta(node)];
  return (
    before.dtype === after.dtype &&
    before.shape.length === after.shape.length &&
    before.shape.every((extent, i) => dimsEqual(extent, after.shape[i]))
  );
}
