import { type Argument, isCall, Node, onlyUser } from '../../../../graph/index.ts';
import { bothWays, type Idiom, type IdiomContext, isAbout, scaledBy, withNumber } from './context.ts';

/**
 * The product of a node with a tensor and numbers, as far as its users multiply on:
 *
 *     half → mul(x) → mul(0.5) → y        half → mul(mul(x, 0.5)) → y
 */
function productWith(node: Node, x: Node, factor: number): Node | undefined {
  let [at, product, hasX]: [Node, number, boolean] = [node, 1, false];
  for (let steps = 0; steps < 2 && !(hasX && isAbout(product, factor)); steps++) {
    const user = onlyUser(at);
    if (!isCall(user, 'aten.mul.Tensor', 'aten.div.Tensor')) return undefined;
    const number = scaledBy(user);
    if (number) product *= number[1];
    else {
      if (!isCall(user, 'aten.mul.Tensor')) return undefined;
      const other = user.args[0] === at ? user.args[1] : user.args[0];
      const scaled = scaledBy(other);
      if (other === x) hasX = true;
      else if (scaled?.[0] === x) [hasX, product] = [true, product * scaled[1]];
      else return undefined;
    }
    at = user;
  }
  return hasX && isAbout(product, factor) ? at : undefined;
}

/** `x * 0.5 * (1 + erf(x / sqrt(2)))` is GELU. */
const erfGelu: Idiom = (context, node) => {
  if (!isCall(node, 'aten.erf.default')) return false;
  const argument = scaledBy(node.args[0]);
  const sum = onlyUser(node);
  if (!argument || !isAbout(argument[1], Math.SQRT1_2) || withNumber(sum, 'aten.add.Tensor')?.[1] !== 1)
    return false;
  const end = productWith(sum!, argument[0], 0.5);
  if (!end) return false;
  context.replace(end, 'aten.gelu.default', [argument[0]]);
  return true;
};

/** `x^3`, as a power or as products. */
function cubeOf(node: Argument): Node | undefined {
  const power = withNumber(node, 'aten.pow.Tensor_Scalar');
  if (power?.[1] === 3) return power[0];
  if (!isCall(node, 'aten.mul.Tensor')) return undefined;
  for (const [square, x] of bothWays(node))
    if (isCall(square, 'aten.mul.Tensor') && square.args[0] === x && square.args[1] === x) return x as Node;
  return undefined;
}

/** `x * 0.5 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))` is GELU's approximation. */
const tanhGelu: Idiom = (context, node) => {
  if (!isCall(node, 'aten.tanh.default')) return false;
  const scaled = scaledBy(node.args[0]);
  if (!scaled || !isAbout(scaled[1], Math.sqrt(2 / Math.PI)) || !isCall(scaled[0], 'aten.add.Tensor'))
    return false;
  for (const [x, cubic] of bothWays(scaled[0])) {
    const term = scaledBy(cubic);
    if (!(x instanceof Node) || !term || !isAbout(term[1], 0.044715) || cubeOf(term[0]) !== x) continue;
    const sum = onlyUser(node);
    const end = withNumber(sum, 'aten.add.Tensor')?.[1] === 1 ? productWith(sum!, x, 0.5) : undefined;
    if (!end) continue;
    context.replace(end, 'aten.gelu.default', [x], { approximate: 'tanh' });
    return true;
  }
  return false;
};

/** `clip(x + 3, 0, 6)`, and its `x`. */
function clippedFrom(node: Argument | undefined): Node | undefined {
  if (!isCall(node, 'aten.hardtanh.default') || node.args[1] !== 0 || node.args[2] !== 6) return undefined;
  const sum = withNumber(node.args[0], 'aten.add.Tensor');
  return sum?.[1] === 3 ? sum[0] : undefined;
}

/** `x * clip(x + 3, 0, 6) / 6` is hardswish; without the factor `x`, hardsigmoid. */
const hardFunctions: Idiom = (context, node) => {
  const gate = scaledBy(node);
  if (gate && isAbout(gate[1], 1 / 6)) {
    const x = clippedFrom(gate[0]);
    if (x) {
      context.replace(node, 'aten.hardsigmoid.default', [x]);
      return true;
    }
    if (isCall(gate[0], 'aten.mul.Tensor'))
      for (const [a, b] of bothWays(gate[0]))
        if (a instanceof Node && clippedFrom(b) === a) {
          context.replace(node, 'aten.hardswish.default', [a]);
          return true;
        }
  }
  return false;
};

const gates: readonly (readonly [gate: string, product: string])[] = [
  ['aten.sigmoid.default', 'aten.silu.default'],
  ['aten.hardsigmoid.default', 'aten.hardswish.default'],
];

/** `x * sigmoid(x)` is SiLU, `x * hardsigmoid(x)` hardswish, `x * tanh(softplus(x))` Mish. */
const gated: Idiom = (context, node) => {
  if (!isCall(node, 'aten.mul.Tensor')) return false;
  for (const [x, gate] of bothWays(node)) {
    if (!(x instanceof Node)) continue;
    const found = gates.find(([target]) => isCall(gate, target) && gate.args[0] === x);
    if (found) {
      context.replace(node, found[1], [x]);
      return true;
    }
    const inner = isCall(gate, 'aten.tanh.default') ? gate.args[0] : undefined;
    if (isCall(inner, 'aten.softplus.default') && inner.args[0] === x) {
      context.replace(node, 'aten.mish.default', [x]);
      return true;
    }
  }
  return false;
};

/** `x * 1`, `x / 1`, `x + 0` and `alias(x)` are `x`. */
const nothing: Idiom = (_: IdiomContext, node) => {
  const product = scaledBy(node);
  const sum = withNumber(node, 'aten.add.Tensor') ?? withNumber(node, 'aten.sub.Tensor');
  const same = isCall(node, 'aten.alias.default') ? (node.args[0] as Node) : undefined;
  const x = product?.[1] === 1 ? product[0] : sum?.[1] === 0 ? sum[0] : same;
  if (!x || x.meta.val === undefined) return false;
  node.replaceAllUsesWith(x);
  return true;
};

/** Functions of one tensor that exporters spell out. */
export const activationIdioms: readonly Idiom[] = [nothing, erfGelu, tanhGelu, hardFunctions, gated];
