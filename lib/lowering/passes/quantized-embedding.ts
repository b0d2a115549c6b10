import { DEQUANTIZE_PER_CHANNEL } from '../../aten/index.ts';
import { type Argument, GET_ITEM, isCall, type Node } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, qparamsOf } from '../patterns/affine-parameters.ts';

/**
 * Embedding tables of 8-bit integers stay integers: only the rows that are looked up are dequantized.
 *
 *     w (uint8|int8) → dequantize, by rows or as a whole ─┐
 *                                         indices → embedding → y   ⇒   octavo.embedding(w, scales, zero points, indices) → y
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
      if (!isCall(table, DEQUANTIZE_PER_CHANNEL) && !isDequantize(table)) continue;
      const rows = isDequantize(table) ? sameForAllRows(context, table) : parametersOfRows(context, table);
      if (!rows) {
        context.refuse(node, 'its table is not of 8-bit integers with parameters for each row, or for all');
        continue;
      }
      const args = [...rows, indices];
      if (node.target === EMBEDDING) context.replace(node, 'octavo.embedding.default', args, [table]);
      else if (!replaceBag(context, node, args, table)) continue;
      count++;
    }
    return count;
  },
};

const EMBEDDING = 'aten.embedding.default';
const EMBEDDING_BAG = 'aten.embedding_bag.padding_idx';

/** The integers with a scale and a zero point for each row. */
type QuantizedRows = readonly [integers: Node, scales: Node, zeroPoints: Node];

function parametersOfRows(context: PassContext, table: Node): QuantizedRows | undefined {
  const [integers, scales, zeroPoints, axis] = table.args as readonly [Node, Node, Node, number];
  const isByte = ['uint8', 'int8'].includes(context.meta(integers).dtype);
  return isByte && axis === 0 ? [integers, scales, zeroPoints] : undefined;
}

/** One scale for the whole table, which torchao's scaled embedding bags have. */
function sameForAllRows(context: PassContext, table: Node): QuantizedRows | undefined {
  const integers = table.args[0] as Node;
  const [rows] = context.meta(integers).shape;
  if (typeof rows !== 'number') return undefined;
  const { scale, zeroPoint } = qparamsOf(table);
  const constant = (what: string, dtype: 'float32' | 'int64', value: number) =>
    context.constant(`${integers.target}_${what}`, Tensor.from(dtype, Array<number>(rows).fill(value)), {
      before: table,
    });
  return [integers, constant('scales', 'float32', scale), constant('zero_points', 'int64', zeroPoint)];
}

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
