import { isArgumentList, type Node, onlyUser } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';
import { isQuantize, qparamArguments, qparamsOf } from '../patterns/affine-parameters.ts';
import { dropsData, movesData } from '../patterns/data-movement.ts';

/**
 * Moves a quantize up over operators that only move data, towards the operator that can fuse it. Max pooling and
 * concatenation then run on 8-bit integers; each input of a concatenation is quantized where it is computed.
 *
 *     conv → max_pool2d | view | cat | … → quantize   ⇒   conv → quantize → max_pool2d | view | cat | …
 */
export const liftQuantize: Pass = {
  name: 'lift-quantize',
  run(context) {
    let count = 0;
    // Backwards: a quantize climbs a whole chain of movements in one sweep, because it is inserted before the node
    // visited next.
    for (const move of context.graph.nodes.toReversed()) {
      const quantize = onlyUser(move);
      if (!isQuantize(quantize) || dropsData(move.target)) continue;
      if (!movesData(move.target, context.meta(quantize).dtype)) continue;
      const q = qparamsOf(quantize);
      const lift = (input: Node) =>
        context.call(quantize.target, qparamArguments(input, q), { before: move, like: [quantize] });
      const [moved, ...rest] = move.args;
      const lifted = isArgumentList(moved) ? moved.map((item) => lift(item as Node)) : lift(moved as Node);
      const integer = context.call(move.target, [lifted, ...rest], { before: move, like: [move, quantize] });
      context.replaceWith(quantize, integer, [move]);
      count++;
    }
    return count;
  },
};
