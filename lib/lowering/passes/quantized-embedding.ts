import { DEQUANTIZE_PER_CHANNEL } from '../../aten/index.ts';
import { type Argument, GET_ITEM, isCall, type Node } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';

/**
 * Embedding tables of 8-bit integers stay integers: only the rows that are looked up are dequantized.
 *
 *     w (uint8|int8) → dequantize_per_channel(rows) ─┐
 *                                    indices → embedding → y   ⇒   octavo.embedding(w, scales, zero points, indices) → y
 *
 * The same for bags of rows, if only their sums or means are used:
 *
 *     indices, offsets → embedding_bag → getitem(0) → y   ⇒   octavo.embedding_bag(w, …, indices, offsets, …) → y
 */
export const quantizedEmbedding: Pass = {
  name: 'quantized-embedding',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, EMBEDDING, EMBEDDING_BAG)) continue;
      const [table, indices] = node.args as readonly [Node, Node];
      if (!isCall(table, DEQUANTIZE_PER_CHANNEL)) continue;
      const [integers, scales, zeroPoints, axis] = table.args as readonly [Node, Node, Node, number];
      if (!['uint8', 'int8'].includes(context.meta(integers).dtype) || axis !== 0) {
        context.refuse(node, 'its table is not of 8-bit integers with parameters for each row');
        continue;
      }
      const args = [integers, scales, zeroPoints, indices];
      if (node.target === EMBEDDING) context.replace(node, 'octavo.embedding.default', args, [table]);
      else if (!replaceBag(context, node, args, table)) continue;
      count++;
    }
    return count;
  },
};

const EMBEDDING = 'aten.embedding.default';
const EMBEDDING_BAG = 'aten.embedding_bag.padding_idx';

function replaceBag(context: PassContext, node: Node, args: readonly Argument[], table: Node): boolean {
  const used = node.users.filter((user) => user.users.length > 0);
  if (used.length !== 1 || !isCall(used[0], GET_ITEM) || used[0].args[1] !== 0) {
    context.refuse(node, 'more than the sums or means of its bags is wanted');
    return false;
  }
  for (const user of node.users) if (user !== used[0]) context.erase(user);
  const bound = context.args(node);
  const rest = [
    ...[bound.tensor('offsets'), bound.number('mode')],
    ...[bound.optionalTensor('per_sample_weights'), bound.bool('include_last_offset')],
  ];
  context.replace(used[0], 'octavo.embedding_bag.default', [...args, ...rest], [table, node]);
  return true;
}
