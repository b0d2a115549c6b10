import { matmul } from '../../backend/index.ts';
import { isCall, Node, onlyUser } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, qparamsOf } from '../patterns/affine-parameters.ts';

/**
 * Products of two tensors of dequantized 8-bit integers (attention's scores, and their product with the values) compute
 * on the integers. A number by which the product is multiplied or divided becomes part of the scale.
 *
 *     a (int8) → dequantize ─┐
 *     b (int8) → dequantize ─┤ matmul | bmm | mm [→ mul | div (a number)] → y   ⇒   octavo.matmul(a, …, b, …, float32) → y
 */
export const quantizedMatmul: Pass = {
  name: 'quantized-matmul',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, ...matmul.operators)) continue;
      const [a, b] = node.args;
      if (!isDequantize(a) || !isDequantize(b) || context.meta(node).dtype !== 'float32') continue;
      rewrite(context, node, a, b);
      count++;
    }
    return count;
  },
};

function rewrite(context: PassContext, node: Node, a: Node, b: Node): void {
  const [left, right] = [qparamsOf(a), qparamsOf(b)];
  const user = onlyUser(node);
  const factor = user && factorOf(context, user, node);
  context.replace(
    factor === undefined ? node : user!,
    'octavo.matmul.default',
    [
      ...[a.args[0], left.scale * (factor ?? 1), left.zeroPoint],
      ...[b.args[0], right.scale, right.zeroPoint, 1, 0, 'float32'],
    ],
    [...new Set([a, b]), ...(factor === undefined ? [] : [node])],
  );
}

/** The positive factor by which `user` multiplies `product`; undefined if it does something else. */
function factorOf(context: PassContext, user: Node, product: Node): number | undefined {
  const divides = isCall(user, 'aten.div.Tensor', 'aten.div.Scalar');
  if (!divides && !isCall(user, 'aten.mul.Tensor', 'aten.mul.Scalar')) return undefined;
  const [first, second] = user.args;
  if (first !== product && (divides || second !== product)) return undefined;
  const other = first === product ? second : first;
  const value = other instanceof Node ? singleValue(context, other) : other;
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) return undefined;
  return divides ? 1 / value : value;
}

function singleValue(context: PassContext, node: Node): number | undefined {
  const value = context.constantValue(node);
  return value?.dtype === 'float32' && value.shape.length === 0 ? value.item() : undefined;
}
