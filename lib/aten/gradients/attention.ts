import type { Node } from '../../graph/index.ts';
import { castTo, mul, once, product, reshape, sub, sumLike, sumOver, transposed } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** [..., heads, length, width] for as many heads as the query has: each serves as many of them, one after the other. */
function repeatedHeads(g: GradientBuilder, x: Node, heads: number | undefined): Node {
  const shape = g.shape(x);
  const axis = shape.length - 3;
  if (axis < 0 || shape[axis] === heads) return x;
  const apart = shape.toSpliced(axis + 1, 0, heads! / shape[axis]);
  const repeated = g.call('aten.expand.default', g.call('aten.unsqueeze.default', x, axis + 1), apart);
  return reshape(g, repeated, shape.with(axis, heads!));
}

/** The reverse. */
function sumOfHeads(g: GradientBuilder, grad: Node, like: Node): Node {
  const shape = g.shape(like);
  const axis = shape.length - 3;
  const heads = g.shape(grad)[axis];
  if (axis < 0 || shape[axis] === heads) return grad;
  return sumOver(g, reshape(g, grad, shape.toSpliced(axis + 1, 0, heads / shape[axis])), [axis + 1]);
}

/** The scores that the softmax is of: what a mask excludes is -Infinity. */
function scores(
  { args }: DifferentiatedCall,
  g: GradientBuilder,
  query: Node,
  key: Node,
  scale: number,
): Node {
  const all = mul(g, castTo(g, product(g, query, transposed(g, key)), 'float32'), scale);
  const excluded = (condition: Node) => g.call('aten.masked_fill.Scalar', all, condition, -Infinity);
  const mask = args.optionalTensor('attn_mask');
  if (mask && g.dtype(mask) === 'bool') return excluded(g.call('aten.logical_not.default', mask));
  if (mask) return g.call('aten.add.Tensor', all, mask);
  if (!args.bool('is_causal')) return all;
  const size = g.shape(all).slice(-2);
  const past = g.call('aten.tril.default', g.call('aten.ones.default', size));
  return excluded(g.call('aten.eq.Scalar', past, 0));
}

/**
 * P = softmax(scale Q Kᵀ + mask), the result is P V. P is computed again: it is not kept from the forward pass. It is float32 where
 * the products are computed in bfloat16.
 */
const attention: GradientRule = (call, g) => {
  const { args, grad } = call;
  const [query, key, value] = ['query', 'key', 'value'].map((name) => args.tensor(name));
  const shape = g.shape(query);
  const heads = shape.at(-3);
  const scale = args.optionalNumber('scale') ?? 1 / Math.sqrt(shape[shape.length - 1]);
  const [keys, values] = [() => repeatedHeads(g, key, heads), () => repeatedHeads(g, value, heads)];
  const weights = once(() => g.call('aten._safe_softmax.default', scores(call, g, query, keys(), scale), -1));
  const ofScores = once(() => {
    const weighted = mul(g, castTo(g, product(g, grad, transposed(g, values())), 'float32'), weights());
    return sub(g, weighted, mul(g, weights(), sumOver(g, weighted, [shape.length - 1], true)));
  });
  return {
    query: () => mul(g, product(g, ofScores(), keys()), scale),
    key: () => sumOfHeads(g, mul(g, product(g, transposed(g, ofScores()), query), scale), key),
    value: () => sumOfHeads(g, product(g, transposed(g, weights()), castTo(g, grad, g.dtype(value))), value),
    attn_mask: () => sumLike(g, ofScores(), args.tensor('attn_mask')),
  };
};

/** The gradient of attention. */
export const attentionGradients: GradientRules = {
  'aten.scaled_dot_product_attention.default': attention,
};
