import { isCall, Node, onlyUser } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { castTo } from './autocast.ts';

/** The argument for the result's dtype in dequantize operators and in operators that fuse a quantize. */
const dtypeArguments: readonly string[] = ['output_dtype', 'out_dtype'];

/**
 * An operator that supports several result dtypes returns the one that its only user casts it to.
 *
 *     qconv(…, bfloat16) → to(float32) → y             ⇒   qconv(…, float32) → y
 *     q (int8) → dequantize → to(bfloat16) → y         ⇒   q (int8) → dequantize(out_dtype=bfloat16) → y
 */
export const absorbCasts: Pass = {
  name: 'absorb-casts',
  run(context) {
    let count = 0;
    for (const cast of context.graph.nodes) {
      if (!isCall(cast, castTo)) continue;
      const [input, dtype] = cast.args;
      if (!(input instanceof Node) || onlyUser(input) !== cast) continue;
      if (![cast, input].every((node) => isReal(context, node))) continue;
      const argument = dtypeArgument(context, input);
      if (!argument) continue;
      context.setArguments(input, { ...context.named(input), [argument]: dtype });
      context.inherit(input, [cast]);
      context.replaceWith(cast, input);
      count++;
    }
    return count;
  },
};

const isReal = (context: PassContext, node: Node) =>
  ['float32', 'bfloat16'].includes(context.meta(node).dtype);

function dtypeArgument(context: PassContext, node: Node): string | undefined {
  if (node.op !== 'call_function') return undefined;
  const names = context.args(node).schema.arguments.map(({ name }) => name);
  return dtypeArguments.find((name) => names.includes(name));
}
