import { isCall, Node, onlyUser } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import { bothWays, type Idiom, type IdiomContext } from './context.ts';

/** Layers whose third argument is a bias, one number for each of these extents of the result. */
const biased: Readonly<Record<string, number>> = {
  'aten.linear.default': -1,
  'aten.conv1d.default': 1,
  'aten.conv2d.default': 1,
  'aten.conv3d.default': 1,
  'aten.conv_transpose1d.default': 1,
  'aten.conv_transpose2d.input': 1,
  'aten.conv_transpose3d.input': 1,
};

/**
 * A constant that is added to a layer without a bias is its bias:
 *
 *     x → linear(w) → add(b) → y   ⇒   linear(x, w, b)
 */
const addedBias: Idiom = (context, node) => {
  if (!isCall(node, 'aten.add.Tensor')) return false;
  for (const [layer, added] of bothWays(node)) {
    const axis = layer instanceof Node && layer.op === 'call_function' ? biased[layer.target] : undefined;
    if (axis === undefined || !(layer instanceof Node) || !(added instanceof Node)) continue;
    if (onlyUser(layer) !== node || layer.args[2] !== null) continue;
    const bias = biasOf(context, node, added, axis);
    if (!bias) continue;
    context.replace(node, layer.target, [layer.args[0], layer.args[1], bias, ...layer.args.slice(3)]);
    return true;
  }
  return false;
};

/** The constant as one number a channel; undefined where it is another one at other places of a channel. */
function biasOf(context: IdiomContext, sum: Node, added: Node, axis: number): Node | undefined {
  const tensor = context.constant(added);
  const shape = context.shape(sum);
  if (tensor?.dtype !== 'float32' || tensor.shape.length > shape.length) return undefined;
  const channelAxis = axis < 0 ? axis + shape.length : axis;
  const channels = shape[channelAxis];
  const missing = shape.length - tensor.shape.length;
  const isPerChannel = shape.every((_, i) => {
    const extent = tensor.shape[i - missing] ?? 1;
    return i === channelAxis ? extent === channels : extent === 1;
  });
  if (!isPerChannel || typeof channels !== 'number') return undefined;
  if (tensor.shape.length === 1) return added;
  return context.addConstant(sum, `${added.target}_bias`, new Tensor('float32', tensor.data, [channels]));
}

/** Layers whose bias exporters add. */
export const layerIdioms: readonly Idiom[] = [addedBias];
