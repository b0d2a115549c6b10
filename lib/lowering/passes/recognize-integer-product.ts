import { castOperators, DEQUANTIZE_PER_CHANNEL, DEQUANTIZE_PER_TENSOR } from '../../aten/index.ts';
import { type Argument, isCall, Node, onlyUser } from '../../graph/index.ts';
import { integerRange, numelOf, Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';

/**
 * A product of int8 matrices that is multiplied by their scales afterwards (SmoothQuant, activations quantized per
 * token) becomes a linear layer of dequantized integers. The weight's scales move to the weight; the tokens' scales
 * stay.
 *
 *     a (int8) ─────┐
 *     w (int8) → t → _int_mm → to(float) [→ mul(token scales)] → mul(weight scales) → y
 *
 *        ⇒   linear(dequantize(a, 1, 0), dequantize_per_channel(w, weight scales)) [→ mul(token scales)] → y
 */
export const recognizeIntegerProduct: Pass = {
  name: 'recognize-integer-product',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (!isCall(node, 'aten._int_mm.default')) continue;
      const reason = rewrite(context, node);
      if (reason) context.refuse(node, reason);
      else count++;
    }
    return count;
  },
};

const transpositions = ['aten.t.default', 'aten.permute.default', 'aten.transpose.int'];

function rewrite(context: PassContext, product: Node): string | undefined {
  const [a, transposed] = product.args as readonly [Node, Node];
  const weight = isCall(transposed, ...transpositions) ? (transposed.args[0] as Node) : undefined;
  if (weight?.op !== 'get_attr') return 'its second matrix is not the transpose of a parameter';
  const cast = onlyUser(product);
  if (!isCall(cast, ...castOperators) || context.meta(cast).dtype !== 'float32')
    return 'its result is not cast to float32 at once';
  const [channels] = context.meta(weight).shape as readonly number[];
  const { tokens, scales } = scalesAfter(context, cast, channels);
  if (!scales) return "the weight's scales are not multiplied in next";
  const last = tokens ? onlyUser(tokens.product)! : onlyUser(cast)!;
  const values = context.constantValue(scales)!;
  const flat = context.constant(`${scales.target}_per_channel`, values.view([channels]), { before: last });
  const zeroPoints = context.constant(`${weight.target}_zero_point`, Tensor.zeros('int64', [channels]), {
    before: last,
  });
  const covers = [transposed, product, cast];
  const place = { before: last, like: covers };
  const { min, max } = integerRange('int8');
  const input = context.call(DEQUANTIZE_PER_TENSOR, [a, 1, 0, min, max, 'int8'], place);
  const parameters: readonly Argument[] = [weight, flat, zeroPoints, 0, min, max, 'int8'];
  const dequantized = context.call(DEQUANTIZE_PER_CHANNEL, parameters, place);
  const layer: readonly Argument[] = [input, dequantized, null];
  if (!tokens) {
    context.replace(last, 'aten.linear.default', layer, covers);
    return undefined;
  }
  const linear = context.call('aten.linear.default', layer, { before: last, like: [...covers, last] });
  context.replace(last, 'aten.mul.Tensor', [linear, tokens.scales], [...covers, tokens.product]);
  return undefined;
}

/** The weight's scales, and the preceding multiplication by the tokens' scales, if any. */
function scalesAfter(context: PassContext, cast: Node, channels: number) {
  const first = onlyUser(cast);
  const factor = otherFactor(first, cast);
  if (factor && isScales(context, factor, channels)) return { scales: factor };
  const second = factor && onlyUser(first!);
  const scales = second && otherFactor(second, first!);
  if (!scales || !isScales(context, scales, channels)) return {};
  return { scales, tokens: { product: first!, scales: factor } };
}

function otherFactor(product: Node | undefined, node: Node): Node | undefined {
  if (!isCall(product, 'aten.mul.Tensor')) return undefined;
  const other = product.args[0] === node ? product.args[1] : product.args[0];
  return other instanceof Node && other !== node ? other : undefined;
}

function isScales(context: PassContext, node: Node, channels: number): boolean {
  const value = context.constantValue(node);
  return (
    value?.dtype === 'float32' && numelOf(value.shape) === channels && (value.shape.at(-1) ?? 1) === channels
  );
}
