import { DEQUANTIZE_PER_TENSOR } from '../../aten/index.ts';
import { type Argument, isArgumentList, type Node } from '../../graph/index.ts';
import type { Pass } from '../pass.ts';
import { isDequantize, qparamArguments, qparamsOf, sameQParams } from '../patterns/affine-parameters.ts';
import { movesData, repeatsData } from '../patterns/data-movement.ts';

/**
 * Moves a dequantize down over operators that only move data; they then move a quarter of the bytes.
 *
 *     x (int8) → dequantize → view | max_pool2d | … → y   ⇒   x (int8) → view | max_pool2d | … → dequantize → y
 */
export const sinkDequantize: Pass = {
  name: 'sink-dequantize',
  run(context) {
    let count = 0;
    for (const move of context.graph.nodes) {
      if (move.op !== 'call_function' || repeatsData(move.target)) continue;
      const [moved, ...rest] = move.args;
      const inputs: readonly Argument[] = isArgumentList(moved) ? moved : [moved];
      if (!inputs.every(isDequantize)) continue;
      const { dtype } = context.meta(inputs[0].args[0] as Node);
      if (!movesData(move.target, dtype)) continue;
      const q = qparamsOf(inputs[0]);
      if (!inputs.every((input) => sameQParams(qparamsOf(input), q))) continue;
      const integers = inputs.map((input) => input.args[0] as Node);
      const args = [isArgumentList(moved) ? integers : integers[0], ...rest];
      const integer = context.call(move.target, args, { before: move, like: [...inputs, move] });
      const { numericDebugHandle } = move.meta;
      if (numericDebugHandle)
        integer.meta.numericDebugHandle = {
          handle: numericDebugHandle.handle,
          qparams: { scale: q.scale, zeroPoint: q.zeroPoint },
        };
      context.replace(move, DEQUANTIZE_PER_TENSOR, qparamArguments(integer, q), [...new Set(inputs)]);
      count++;
    }
    return count;
  },
};
