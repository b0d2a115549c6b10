import { dequantizeOperators, operators } from '../../aten/index.ts';
import { bindCall, type Node } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';

/** Operators whose int8 constants stay int8, because a quantized layer will read them. */
const keptIntegers: readonly string[] = dequantizeOperators;

/**
 * Computes everything that depends only on parameters and constants. Int8 weights keep their dequantize.
 *
 *     get_attr w → permute → y   ⇒   get_attr (w permuted) → y
 */
export const foldConstants: Pass = { name: 'fold-constants', run: (context) => fold(context, false) };

/**
 * Dequantizes the int8 constants that no quantized operator reads. An operator that computes in float then has a float
 * constant, and the report says so.
 *
 *     get_attr w (int8) → dequantize → y   ⇒   get_attr (w in float) → y
 */
export const foldDequantizedConstants: Pass = {
  name: 'fold-dequantized-constants',
  run: (context) => fold(context, true),
};

function fold(context: PassContext, dequantize: boolean): number {
  let count = 0;
  for (const node of context.graph.nodes) {
    if (node.op !== 'call_function' || !operators.has(node.target)) continue;
    const inputs = node.allInputNodes;
    if (inputs.length === 0 || !inputs.every((input) => input.op === 'get_attr')) continue;
    // No operator computes with int32 biases here, so they may be dequantized.
    const keepsInt8 = keptIntegers.includes(node.target) && context.meta(inputs[0]).dtype !== 'int32';
    if (keepsInt8 && !dequantize) continue;
    const value = evaluate(context, node);
    if (!(value instanceof Tensor)) continue;
    if (keepsInt8)
      for (const user of node.users)
        if (user.op === 'call_function' && !context.isRefused(user) && !context.keepsFloat(user))
          context.refuse(user, `its weight is quantized, but ${user.target} computes in float`);
    const name = `${inputs[0].target}_${node.name}`;
    context.replaceWith(node, context.constant(name, value, { before: node, like: [node] }));
    count++;
  }
  return count;
}

function evaluate({ module }: PassContext, node: Node): unknown {
  const operator = operators.get(node.target);
  const attributeOf = ({ target }: Node) => module.attribute(target);
  return operator.execute(bindCall<Tensor>(operator.schema, node.args, node.kwargs, attributeOf));
}
