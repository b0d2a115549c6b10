import { dimsEqual, isCall, Node, onlyUser } from '../../graph/index.ts';
import { givesFloat, type Pass, type PassContext } from '../pass.ts';
import { isDequantize, qparamsOf } from '../patterns/affine-parameters.ts';
import { fusedOperators } from '../patterns/fused-operators.ts';

/**
 * Fuses a residual addition into one of the two convolutions or linear layers that it adds. The later one computes the
 * addition, because the other's result is then available. The other operand may be float or 8-bit integers with its own
 * parameters; the operands' order does not matter.
 *
 *     conv ──────────────┐
 *                        add → y   ⇒   conv.binary(x, …, other) → y
 *     other [→ dequant] ─┘
 */
export const fuseAddition: Pass = {
  name: 'fuse-addition',
  run(context) {
    let count = 0;
    const order = new Map(context.graph.nodes.map((node, i) => [node, i]));
    for (const add of context.graph.nodes) {
      if (!isCall(add, 'aten.add.Tensor')) continue;
      const operands = add.args.filter((arg) => arg instanceof Node);
      const candidates = operands
        .filter((operand) => fusedOperators.get(operand.target)?.binary && givesFloat(context, operand))
        .sort((a, b) => (order.get(b) ?? 0) - (order.get(a) ?? 0));
      if (candidates.length === 0) continue;
      const reasons = candidates.map((candidate) => whyNot(context, add, candidate));
      const chosen = candidates[reasons.indexOf(undefined)];
      if (!chosen) {
        context.refuse(add, reasons[0]!);
        continue;
      }
      fuse(context, add, chosen);
      count++;
    }
    return count;
  },
};

function whyNot(context: PassContext, add: Node, candidate: Node): string | undefined {
  const [a, b] = add.args;
  if (!(a instanceof Node) || !(b instanceof Node))
    return 'the other operand of the addition is not a tensor';
  if (a === b) return `${candidate} is added to itself`;
  if (context.args(add).number('alpha') !== 1) return 'the addition scales one operand (alpha is not 1)';
  if (onlyUser(candidate) !== add) return `the result of ${candidate} has several users`;
  const { unary } = fusedOperators.get(candidate.target)!;
  if (unary && context.named(candidate)[unary.name] !== 'none')
    return `a pointwise function stands between ${candidate} and the addition`;
  const [before, after] = [a, b].map((node) => context.meta(node));
  if (before.dtype !== after.dtype) return `the operands' dtypes ${before.dtype} and ${after.dtype} differ`;
  if (
    before.shape.length !== after.shape.length ||
    !before.shape.every((d, i) => dimsEqual(d, after.shape[i]))
  )
    return `the operands' shapes [${before.shape}] and [${after.shape}] differ`;
  return undefined;
}

function fuse(context: PassContext, add: Node, candidate: Node): void {
  const { binary } = fusedOperators.get(candidate.target)!;
  const other = (add.args[0] === candidate ? add.args[1] : add.args[0]) as Node;
  const addend: Record<string, Node | number> = {};
  const covers = [candidate];
  if (binary!.scale && binary!.zeroPoint) {
    const quantized = isDequantize(other);
    const q = quantized ? qparamsOf(other) : { scale: 1, zeroPoint: 0 };
    addend[binary!.scale] = q.scale;
    addend[binary!.zeroPoint] = q.zeroPoint;
    addend[binary!.addend] = quantized ? (other.args[0] as Node) : other;
    if (quantized) covers.push(other);
  } else addend[binary!.addend] = other;
  const { unary } = binary!;
  const nothing = unary ? { [unary.name]: 'none', [unary.scalars]: [], [unary.algorithm]: '' } : {};
  const named = { ...context.named(candidate), ...binary!.addition, ...nothing, ...addend };
  context.replace(add, binary!.operator, named, covers);
}
