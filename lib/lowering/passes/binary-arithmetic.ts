import { arithmeticOperators } from '../../backend/index.ts';
import { type Argument, Node, onlyUser } from '../../graph/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, isQuantize, qparamsOf } from '../patterns/affine-parameters.ts';
import { unaryOf } from '../patterns/unary.ts';

const algorithms: ReadonlyMap<string, string> = new Map(
  arithmeticOperators.flatMap(({ operators, algorithm }) =>
    operators.map((target) => [target, algorithm] as const),
  ),
);

/**
 * Arithmetic on two tensors next to a dequantize, a quantize or a pointwise function becomes the form that computes
 * those in the same loop. Later passes fuse what follows.
 *
 *     x [→ dequantize] ─┐
 *                       add | sub | mul | div | max | min → z   ⇒   octavo.binary(x, …, y, …, 'add') → z
 *     y [→ dequantize] ─┘
 */
export const binaryArithmetic: Pass = {
  name: 'binary-arithmetic',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      const algorithm = algorithms.get(node.target);
      if (node.op !== 'call_function' || algorithm === undefined) continue;
      const [a, b] = node.args;
      if (!(a instanceof Node) || !(b instanceof Node) || !gains(context, node)) continue;
      if (![node, a, b].every((value) => context.meta(value).dtype === 'float32')) continue;
      const bound = context.args(node);
      const scaled = bound.schema.arguments.some(({ name }) => name === 'alpha');
      const alpha = scaled ? (bound.raw('alpha') as Argument) : 1;
      context.replace(
        node,
        'octavo.binary.default',
        [...operand(a), ...operand(b), algorithm, alpha, 1, 0, 'float32', 'none', [], ''],
        [...new Set([a, b])].filter(isDequantize),
      );
      count++;
    }
    return count;
  },
};

function gains(context: PassContext, node: Node): boolean {
  if (node.args.some(isDequantize)) return true;
  const user = onlyUser(node);
  return user !== undefined && (isQuantize(user) || unaryOf(context, user) !== undefined);
}

function operand(node: Node): readonly Argument[] {
  if (!isDequantize(node)) return [node, 1, 0];
  const { scale, zeroPoint } = qparamsOf(node);
  return [node.args[0], scale, zeroPoint];
}
