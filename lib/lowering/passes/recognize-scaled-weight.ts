import { castOperators, DEQUANTIZE_PER_CHANNEL } from '../../aten/index.ts';
import { type Argument, isCall, Node, onlyUser } from '../../graph/index.ts';
import { integerRange, Tensor } from '../../tensor/index.ts';
import type { Pass, PassContext } from '../pass.ts';

/**
 * An int8 weight that is cast to float, with its scales multiplied into the layer's result, becomes a quantized weight.
 *
 *     w (int8) → to(float) ─┐
 *                    x → linear → mul(scales) → y   ⇒   linear(x, dequantize_per_channel(w, scales)) → y
 *
 *     _weight_int8pack_mm(x, w, scales) → y         ⇒   linear(x, dequantize_per_channel(w, scales)) → y
 */
export const recognizeScaledWeight: Pass = {
  name: 'recognize-scaled-weight',
  run(context) {
    let count = 0;
    for (const node of context.graph.nodes) {
      if (isCall(node, 'aten._weight_int8pack_mm.default')) {
        const [x, weight, scales] = node.args as readonly [Node, Node, Node];
        replace(context, node, { x, weight, scales, covers: [] });
        count++;
        continue;
      }
      const scaled = isCall(node, 'aten.linear.default') ? scaledLinear(context, node) : undefined;
      if (!scaled) continue;
      replace(context, scaled.product, scaled);
      count++;
    }
    return count;
  },
};

interface Scaled {
  readonly x: Node;
  readonly weight: Node;
  readonly scales: Node;
  readonly covers: readonly Node[];
}

function scaledLinear(context: PassContext, linear: Node): (Scaled & { readonly product: Node }) | undefined {
  const [x, cast, bias = null] = linear.args;
  if (bias !== null || !isCast(cast)) return undefined;
  const [weight] = cast.args as readonly [Node, ...Argument[]];
  if (weight.op !== 'get_attr' || context.meta(weight).dtype !== 'int8') return undefined;
  const product = onlyUser(linear);
  if (!isCall(product, 'aten.mul.Tensor')) return undefined;
  const scales = product.args[0] === linear ? product.args[1] : product.args[0];
  if (!(scales instanceof Node) || scales.op !== 'get_attr') return undefined;
  const { shape } = context.meta(scales);
  if (shape.length !== 1 || shape[0] !== context.meta(weight).shape[0]) return undefined;
  return { x: x as Node, weight, scales, product, covers: [cast, linear] };
}

const isCast = (arg: Argument | undefined) => isCall(arg, ...castOperators);

function replace(context: PassContext, node: Node, { x, weight, scales, covers }: Scaled): void {
  const channels = context.meta(weight).shape[0] as number;
  const zeroPoints = context.constant(`${weight.target}_zero_point`, Tensor.zeros('int64', [channels]), {
    before: node,
  });
  const real =
    context.meta(scales).dtype === 'float32'
      ? scales
      : context.call('aten.to.dtype', [scales, 'float32'], { before: node });
  const { min, max } = integerRange('int8');
  const args = [weight, real, zeroPoints, 0, min, max, 'int8'];
  const dequantized = context.call(DEQUANTIZE_PER_CHANNEL, args, { before: node, like: covers });
  context.replace(node, 'aten.linear.default', [x, dequantized, null], covers);
}
