import { DEQUANTIZE_PER_CHANNEL, DEQUANTIZE_PER_TENSOR } from '../../aten/index.ts';
import { convolutionOperators, integerProducts } from '../../backend/index.ts';
import { type Argument, isCall, Node } from '../../graph/index.ts';
import { integerRange, Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';
import { isDequantize, isDynamicDequantize } from '../patterns/affine-parameters.ts';

/**
 * Kernels multiply with int8 weights that have no zero point. A weight that has one is that: its integers less the zero
 * point, where these fit int8. They may need 9 bits; then twice their half, rounded to zero, and what the half leaves
 * are two layers whose sum is exact.
 *
 *     x → dequantize ───────────────────┐
 *     w (u8|s8), zero point z → dequant ┤ layer → y   ⇒   add(layer(x, (w - z) - 2h), layer(x, 2h, b)) → y
 *     b ────────────────────────────────┘
 */
export const splitAsymmetricWeight: Pass = {
  name: 'split-asymmetric-weight',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes)
      if (isCall(node, 'aten.linear.default', ...convolutionOperators) && !context.keepsFloat(node))
        if (rewrite(context, node)) count++;
    return count;
  },
};

/** A weight's integers less their zero points, and how they are dequantized. */
interface Centered {
  readonly integers: Node;
  readonly differences: readonly number[];
  /** One for each output channel, or one. */
  readonly scales: readonly number[];
}

function rewrite(context: PassContext, node: Node): boolean {
  const [input, weight] = node.args;
  if (!isDequantize(input) && !isDynamicDequantize(input)) return false;
  const centered = weight instanceof Node ? centeredWeight(context, weight) : undefined;
  if (!centered) return false;
  const { differences } = centered;
  const { min, max } = integerRange('int8')!;
  if (differences.every((value) => value >= min && value <= max)) {
    const whole = dequantized(context, node, weight as Node, centered, differences, 1);
    context.replace(node, node.target, [input, whole, ...node.args.slice(2)], [weight as Node]);
    return true;
  }
  const halves = differences.map((value) => Math.trunc(value / 2));
  const rest = differences.map((value, i) => value - 2 * halves[i]);
  const layer = (values: readonly number[], factor: number, after: readonly Argument[]) => {
    const part = dequantized(context, node, weight as Node, centered, values, factor);
    return context.call(node.target, [input, part, ...after], { before: node, like: [node] });
  };
  const [, , , ...others] = node.args;
  const sum = [layer(rest, 1, [null, ...others]), layer(halves, 2, node.args.slice(2))];
  context.replace(node, 'aten.add.Tensor', sum, [weight as Node]);
  return true;
}

/** The weight, if it is constant and has a zero point that is not 0. */
function centeredWeight(context: PassContext, node: Node): Centered | undefined {
  const isPerChannel = isCall(node, DEQUANTIZE_PER_CHANNEL);
  if (!isPerChannel && !isCall(node, DEQUANTIZE_PER_TENSOR)) return undefined;
  const [integers, scale, zeroPoint, axis] = node.args;
  const dtype = node.args.at(-1) as string;
  if ((isPerChannel && axis !== 0) || !['int8', 'uint8'].includes(dtype)) return undefined;
  const numbers = (arg: Argument) =>
    typeof arg === 'number' ? [arg] : arg instanceof Node ? context.constantValue(arg)?.toArray() : undefined;
  const [scales, zeroPoints] = [numbers(scale), numbers(zeroPoint)];
  const values = integers instanceof Node ? context.constantValue(integers) : undefined;
  if (!scales || !zeroPoints || !values) return undefined;
  if (zeroPoints.every((value) => value === 0) && dtype === integerProducts.weight) return undefined;
  const perChannel = values.numel / values.shape[0];
  const differences = values
    .toArray()
    .map((value, i) => value - (zeroPoints[Math.floor(i / perChannel)] ?? zeroPoints[0]));
  return { integers: integers as Node, differences, scales };
}

/** Integers of the weight's shape as int8, dequantized with its scales times a factor. */
function dequantized(
  context: PassContext,
  node: Node,
  weight: Node,
  { integers, scales }: Centered,
  values: readonly number[],
  factor: number,
): Node {
  const place = { before: node };
  const { target } = integers;
  const constant = context.constant(
    target,
    new Tensor('int8', Int8Array.from(values), context.constantValue(integers)!.shape),
    place,
  );
  const { min, max } = integerRange('int8')!;
  const range = [min, max, 'int8'];
  const scaled = scales.map((scale) => scale * factor);
  const parameters: readonly Argument[] = isCall(weight, DEQUANTIZE_PER_TENSOR)
    ? [scaled[0], 0]
    : [
        context.constant(`${target}_scale`, Tensor.from('float32', scaled), place),
        context.constant(`${target}_zero_point`, Tensor.zeros('int64', [scaled.length]), place),
        0,
      ];
  return context.call(weight.target, [constant, ...parameters, ...range], { ...place, like: [weight] });
}
