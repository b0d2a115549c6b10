import {
  CHOOSE_QPARAMS,
  DEQUANTIZE_PER_CHANNEL,
  DEQUANTIZE_PER_TENSOR,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
} from '../../../../aten/index.ts';
import { type Argument, GET_ITEM, isCall, Node } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import { numberSource } from '../operators/quantized/computed-parameters.ts';
import { bothWays, type Idiom, type IdiomContext } from './context.ts';

const layers: readonly string[] = [
  'aten.linear.default',
  'aten.conv1d.default',
  'aten.conv2d.default',
  'aten.conv3d.default',
];

/**
 * A product of integers whose scales are multiplied in afterwards is a layer of quantized tensors:
 *
 *     layer(dequantize(a, 1, z), dequantize(w, 1)) → to(int32) → to(float32) → mul(scale of a * scales of w)
 *
 *         ⇒   layer(dequantize(a, scale, z), dequantize(w, scales))
 */
const scaledProduct: Idiom = (context, node) => {
  if (!isCall(node, 'aten.mul.Tensor')) return false;
  for (const [product, scales] of bothWays(node)) {
    const layer = layerBefore(product);
    const factors = layer && factorsOf(context, scales);
    if (!layer || !factors) continue;
    const [a, w] = layer.args as readonly [Node, Node];
    const input = rescaledInput(context, node, a, factors);
    const weight = input && rescaledWeight(context, node, w, factors.weight);
    if (!input || !weight) continue;
    context.replace(node, layer.target, [input, weight, ...layer.args.slice(2)]);
    return true;
  }
  return false;
};

/** The layer whose result is cast to integers and back. */
function layerBefore(node: Argument): Node | undefined {
  if (!isCall(node, 'aten.to.dtype') || node.args[1] !== 'float32') return undefined;
  const [inner] = node.args;
  if (!isCall(inner, 'aten.to.dtype') || inner.args[1] !== 'int32') return undefined;
  const [layer] = inner.args;
  return isCall(layer, ...layers) && layer.args[2] === null ? layer : undefined;
}

/** The scale that was chosen for the input, and those of the weight: one, or one a channel. */
interface Factors {
  readonly input: Node;
  readonly weight: readonly number[];
}

function factorsOf(context: IdiomContext, node: Argument): Factors | undefined {
  if (!isCall(node, 'aten.mul.Tensor')) return undefined;
  for (const [a, b] of bothWays(node)) {
    if (!(a instanceof Node) || context.constant(a)) continue;
    const input = numberSource(a);
    const isChosen = isCall(input, GET_ITEM) && isCall(input.args[0], CHOOSE_QPARAMS) && input.args[1] === 0;
    const constant = typeof b === 'number' ? [Math.fround(b)] : context.constant(b)?.toArray();
    if (isChosen && constant) return { input, weight: constant };
  }
  return undefined;
}

const isOne = (context: IdiomContext, scale: Argument): boolean =>
  scale === 1 ||
  (context
    .constant(scale)
    ?.toArray()
    .every((value) => value === 1) ??
    false);

function rescaledInput(
  context: IdiomContext,
  before: Node,
  node: Node,
  { input }: Factors,
): Node | undefined {
  if (!isCall(node, DEQUANTIZE_PER_TENSOR_DYNAMIC) || !isOne(context, node.args[1])) return undefined;
  const [integers, , ...rest] = node.args;
  return context.add(before, node.target, [integers, input, ...rest]);
}

function rescaledWeight(
  context: IdiomContext,
  before: Node,
  node: Node,
  scales: readonly number[],
): Node | undefined {
  if (!isCall(node, DEQUANTIZE_PER_TENSOR, DEQUANTIZE_PER_CHANNEL) || !isOne(context, node.args[1]))
    return undefined;
  const [integers, , zeroPoints] = node.args as readonly [Node, Argument, Argument];
  const range = node.args.slice(-3);
  if (scales.length === 1 && node.target === DEQUANTIZE_PER_TENSOR)
    return context.add(before, node.target, [integers, scales[0], zeroPoints, ...range]);
  const channels = context.shape(node)[0] as number;
  if (scales.length !== 1 && scales.length !== channels) return undefined;
  const ofChannels = Array.from({ length: channels }, (_, i) => scales[scales.length === 1 ? 0 : i]);
  const zeros =
    typeof zeroPoints === 'number'
      ? context.addConstant(
          before,
          `${integers.target}_zero_point`,
          Tensor.from('int64', Array(channels).fill(zeroPoints)),
        )
      : zeroPoints;
  const scale = context.addConstant(before, `${integers.target}_scale`, Tensor.from('float32', ofChannels));
  return context.add(before, DEQUANTIZE_PER_CHANNEL, [integers, scale, zeros, 0, ...range]);
}

/** Products of integers, as dynamic quantization writes them. */
export const integerProductIdioms: readonly Idiom[] = [scaledProduct];
