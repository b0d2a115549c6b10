import {
  type Argument,
  isArgumentList,
  isCall,
  Node,
  onlyUser,
  tensorMeta,
} from '../../../../graph/index.ts';
import { numelOf, Tensor } from '../../../../tensor/index.ts';
import { bothWays, type Idiom, type IdiomContext, isShape, withNumber } from './context.ts';

/** `x - mean(x)`, and its mean. */
interface Centred {
  readonly x: Node;
  readonly axes: readonly Argument[];
}

function centredOf(node: Argument | undefined): Centred | undefined {
  if (!isCall(node, 'aten.sub.Tensor')) return undefined;
  const [x, mean] = node.args;
  if (!(x instanceof Node) || !isCall(mean, 'aten.mean.dim') || mean.args[0] !== x || mean.args[2] !== true)
    return undefined;
  return isArgumentList(mean.args[1]) ? { x, axes: mean.args[1] } : undefined;
}

/** A tensor's square, as a power or as a product. */
function squareOf(node: Argument | undefined): Node | undefined {
  if (isCall(node, 'aten.square.default')) return node.args[0] as Node;
  const power = withNumber(node, 'aten.pow.Tensor_Scalar');
  if (power?.[1] === 2) return power[0];
  return isCall(node, 'aten.mul.Tensor') && node.args[0] === node.args[1]
    ? (node.args[0] as Node)
    : undefined;
}

/** `sqrt(mean(square(x - mean(x))) + eps)` */
function deviationOf(node: Argument | undefined): (Centred & { readonly eps: number }) | undefined {
  const sum = isCall(node, 'aten.sqrt.default') ? withNumber(node.args[0], 'aten.add.Tensor') : undefined;
  if (!sum || !isCall(sum[0], 'aten.mean.dim') || sum[0].args[2] !== true) return undefined;
  const centred = centredOf(squareOf(sum[0].args[0]));
  const isSame = centred && String(sum[0].args[1]) === String(centred.axes);
  return isSame ? { ...centred, eps: sum[1] } : undefined;
}

/** How many axes from the end are named, where they are all of these. */
function countFromEnd(axes: readonly Argument[], rank: number): number | undefined {
  const positive = axes.map((axis) => ((axis as number) + rank) % rank).sort((a, b) => a - b);
  return positive.every((axis, i) => axis === rank - axes.length + i) ? axes.length : undefined;
}

/** A constant that a node is multiplied with, or that is added to it, where that is all that is done with it. */
function parameterOf(
  context: IdiomContext,
  node: Node,
  target: string,
): { readonly end: Node; readonly parameter: Node } | undefined {
  const user = onlyUser(node);
  if (!isCall(user, target)) return undefined;
  for (const [a, b] of bothWays(user))
    if (a === node && b instanceof Node && context.constant(b)) return { end: user, parameter: b };
  return undefined;
}

/**
 * A layer norm that is spelled out, with the scale and shift after it:
 *
 *     d = x - mean(x);  d / sqrt(mean(d^2) + eps) [* w] [+ b]
 */
const layerNorm: Idiom = (context, node) => {
  if (!isCall(node, 'aten.div.Tensor')) return false;
  const deviation = deviationOf(node.args[1]);
  const centred = centredOf(node.args[0]);
  if (!deviation || centred?.x !== deviation.x) return false;
  const shape = context.shape(deviation.x);
  const count = countFromEnd(deviation.axes, shape.length);
  if (count === undefined) return false;
  const normalized = shape.slice(shape.length - count);
  if (!normalized.every((dim) => typeof dim === 'number')) return false;
  const ofShape = (found: ReturnType<typeof parameterOf>) =>
    found && isShape(context.shape(found.parameter), normalized) ? found : undefined;
  const scale = ofShape(parameterOf(context, node, 'aten.mul.Tensor'));
  const shift = scale && ofShape(parameterOf(context, scale.end, 'aten.add.Tensor'));
  const end = shift?.end ?? scale?.end ?? node;
  const parameters = [scale?.parameter ?? null, shift?.parameter ?? null];
  context.replace(end, 'aten.layer_norm.default', [
    deviation.x,
    normalized as readonly number[],
    ...parameters,
    deviation.eps,
  ]);
  return true;
};

/** `1 / sqrt(x)` */
const inverseRoot: Idiom = (context, node) => {
  if (!isCall(node, 'aten.reciprocal.default') || !isCall(node.args[0], 'aten.sqrt.default')) return false;
  context.replace(node, 'aten.rsqrt.default', [node.args[0].args[0]]);
  return true;
};

/**
 * A norm by the root of the mean of squares that is spelled out, with the scale after it:
 *
 *     x * rsqrt(mean(x^2) + eps) [* w]   or   x / sqrt(mean(x^2) + eps) [* w]
 */
const rmsNorm: Idiom = (context, node) => {
  const root = isCall(node, 'aten.div.Tensor') ? 'aten.sqrt.default' : 'aten.rsqrt.default';
  if (!isCall(node, 'aten.div.Tensor', 'aten.mul.Tensor')) return false;
  const factors = root === 'aten.sqrt.default' ? [node.args] : bothWays(node);
  const [x, factor] = factors.find(([, other]) => isCall(other, root)) ?? [];
  if (!(x instanceof Node) || !isCall(factor, root)) return false;
  const sum = withNumber(factor.args[0], 'aten.add.Tensor');
  const mean = sum?.[0];
  if (!sum || !isCall(mean, 'aten.mean.dim') || mean.args[2] !== true || squareOf(mean.args[0]) !== x)
    return false;
  const shape = context.shape(x);
  const count = isArgumentList(mean.args[1]) && countFromEnd(mean.args[1], shape.length);
  if (!count || tensorMeta(x)?.dtype !== 'float32') return false;
  const normalized = shape.slice(shape.length - count);
  if (!normalized.every((dim) => typeof dim === 'number')) return false;
  const scale = parameterOf(context, node, 'aten.mul.Tensor');
  const isScale = scale && isShape(context.shape(scale.parameter), normalized);
  context.replace(isScale ? scale.end : node, 'aten.rms_norm.default', [
    x,
    normalized as readonly number[],
    isScale ? scale.parameter : null,
    sum[1],
  ]);
  return true;
};

const isFilledWith = (tensor: Tensor | undefined, value: number): boolean =>
  tensor?.toArray().every((each) => each === value) ?? false;

/** A constant of one number a channel, as normalization has it: `[C]` for `[C, 1, 1]`. */
function perChannel(
  context: IdiomContext,
  before: Node,
  parameter: Node,
  channels: number,
): Node | undefined {
  const tensor = context.constant(parameter)!;
  const rank = context.shape(before).length;
  const { shape } = tensor;
  const fits =
    numelOf(shape) === channels &&
    (shape[shape.length - rank + 1] ?? 0) === channels &&
    tensor.dtype === 'float32';
  if (!fits) return undefined;
  const flat = new Tensor('float32', tensor.data, [channels]);
  return context.addConstant(before, `${parameter.target}_per_channel`, flat);
}

/**
 * A group norm by way of an instance norm of groups:
 *
 *     view(x, [N, G, -1]) → group_norm(G, 1, 0) → view(shape of x) → mul(w) → add(b)   ⇒   group_norm(x, G, w, b)
 */
const groupNorm: Idiom = (context, node) => {
  if (!isCall(node, 'aten.view.default') || !isCall(node.args[0], 'aten.group_norm.default')) return false;
  const [inner, groups, weight, bias, eps] = node.args[0].args;
  if (!isFilledWith(context.constant(weight), 1) || !isFilledWith(context.constant(bias), 0)) return false;
  if (!isCall(inner, 'aten.view.default')) return false;
  const x = inner.args[0] as Node;
  const [shape, channels] = [context.shape(x), context.shape(x)[1]];
  const isGrouped =
    isShape(shape, context.shape(node)) &&
    typeof channels === 'number' &&
    isShape(context.shape(inner).slice(0, 2), [shape[0], groups as number]);
  if (!isGrouped) return false;
  const scale = parameterOf(context, node, 'aten.mul.Tensor');
  const shift = scale && parameterOf(context, scale.end, 'aten.add.Tensor');
  if (!scale || !shift) return false;
  const w = perChannel(context, shift.end, scale.parameter, channels);
  const b = w && perChannel(context, shift.end, shift.parameter, channels);
  if (!w || !b) return false;
  context.replace(shift.end, 'aten.group_norm.default', [x, groups, w, b, eps]);
  return true;
};

/** Normalization that exporters spell out. */
export const normalizationIdioms: readonly Idiom[] = [layerNorm, inverseRoot, rmsNorm, groupNorm];
