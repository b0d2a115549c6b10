import { isCall, type Node } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';
import { dequantizePerChannel } from '../qparams.ts';

/**
 * Tables of 8-bit integers stay so: only the rows that are looked up are dequantized.
 *
 *     w (uint8|int8) → dequantize_per_channel(rows) ─┐
 *                                    indices → embedding → y   ⇒   octavo.embedding(w, scales, zero points, indices) → y
 */
export const quantizedEmbedding: Pass = {
  name: 'quantized-embedding',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, 'aten.embedding.default')) continue;
      const [table, indices] = node.args as readonly [Node, Node];
      if (!isCall(table, dequantizePerChannel)) continue;
      const [integers, scales, zeroPoints, axis] = table.args as readonly [Node, Node, Node, number];
      if (!['uint8', 'int8'].includes(context.meta(integers).dtype) || axis !== 0) {
        context.refuse(node, 'its table is not of 8-bit integers with parameters for each row');
        continue;
      }
      context.replaceWithCall(
        node,
        'octavo.embedding.default',
        [integers, scales, zeroPoints, indices],
        [table],
      );
      count++;
    }
    return count;
  },
};
