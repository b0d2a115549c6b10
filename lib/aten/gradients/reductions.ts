import type { Node } from '../../graph/index.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { add, compare, div, mul, reshape, sub, sumOver, where, whereNot } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';
import { flipped, productBefore } from './running.ts';

/** A reduction's call, and what its gradient is made of. */
interface Reduction extends DifferentiatedCall {
  readonly self: Node;
  /** The axes that are gone, or have extent 1 where `keepdim` is set. */
  readonly axes: readonly number[];
  /** Elements that became one. */
  readonly count: number;
  /** A result, or its gradient, in the shape that broadcasts to `self`. */
  readonly spread: (node: Node) => Node;
}

function reductionOf(call: DifferentiatedCall, g: GradientBuilder): Reduction {
  const { args } = call;
  const self = args.tensor('self');
  const shape = g.shape(self);
  const hasDim = args.schema.arguments.some(({ name }) => name === 'dim');
  const dim = hasDim ? (args.raw('dim') as number | readonly number[] | null) : null;
  const named = typeof dim === 'number' ? [dim] : (dim ?? []);
  const axes =
    named.length > 0
      ? named.map((axis) => normalizeAxis(axis, shape.length, args.schema.name))
      : shape.map((_, axis) => axis);
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const spread = (node: Node) => (g.shape(node).length === shape.length ? node : reshape(g, node, kept));
  return { ...call, self, axes, count: axes.reduce((product, axis) => product * shape[axis], 1), spread };
}

const reduction =
  (gradient: (call: Reduction, g: GradientBuilder) => Node): GradientRule =>
  (call, g) => ({ self: () => gradient(reductionOf(call, g), g) });

const expanded = (g: GradientBuilder, { self }: Reduction, node: Node): Node =>
  g.call('aten.expand.default', node, g.shape(self));

const sum = reduction((call, g) => expanded(g, call, call.spread(call.grad)));

const mean = reduction((call, g) => expanded(g, call, div(g, call.spread(call.grad), call.count)));

/** Equal maxima share the gradient, as in PyTorch. */
const extremum = reduction((call, g) => {
  const isOne = g.call('aten.eq.Tensor', call.self, call.spread(call.result));
  const ones = g.call('aten.to.dtype', isOne, g.dtype(call.self));
  const shared = div(g, call.spread(call.grad), g.call('aten.sum.dim_IntList', ones, [...call.axes], true));
  return where(g, isOne, shared);
});

const logSumExp = reduction(({ self, spread, grad, result }, g) =>
  mul(g, g.call('aten.exp.default', sub(g, self, spread(result))), spread(grad)),
);

/** Of the sum of |x|^p, to the power of 1/p. Where it is 0 or has no slope the gradient is 0, as in PyTorch. */
const norm = (orderOf: (call: DifferentiatedCall) => number): GradientRule =>
  reduction((call, g) => {
    const { self, axes, spread, grad } = call;
    const [order, length] = [orderOf(call), spread(call.result)];
    const isZero = () => compare(g, 'eq', length, 0);
    const sign = () => g.call('aten.sign.default', self);
    if (order === 0) return g.call('aten.zeros_like.default', self);
    if (order === 1) return mul(g, sign(), spread(grad));
    if (order === 2) return mul(g, whereNot(g, isZero(), div(g, self, length)), spread(grad));
    const size = g.call('aten.abs.default', self);
    if (!Number.isFinite(order)) {
      const isOne = g.call('aten.eq.Tensor', size, length);
      const ones = g.call('aten.to.dtype', isOne, g.dtype(self));
      return mul(g, where(g, isOne, sign()), div(g, spread(grad), sumOver(g, ones, axes, true)));
    }
    const powers = mul(g, sign(), g.call('aten.pow.Tensor_Scalar', size, order - 1));
    const factor = mul(g, spread(grad), g.call('aten.pow.Tensor_Scalar', length, 1 - order));
    const slope = order < 1 ? whereNot(g, compare(g, 'eq', self, 0), powers) : powers;
    return mul(g, slope, whereNot(g, isZero(), factor));
  });

/** The result is the product of all elements; a gradient, the product of all others: also where some are 0. */
const product = reduction(({ args, self, axes, spread, grad }, g) => {
  const shape = g.shape(self);
  const hasDim = args.schema.arguments.some(({ name }) => name === 'dim');
  const [row, axis] = hasDim ? [self, axes[0]] : [reshape(g, self, [-1]), 0];
  const after = flipped(g, productBefore(g, flipped(g, row, axis), axis), axis);
  return mul(g, reshape(g, mul(g, productBefore(g, row, axis), after), shape), spread(grad));
});

/** What a standard deviation gives to the variance; at 0 nothing, as in PyTorch. */
const ofRoot = (g: GradientBuilder, grad: Node, deviation: Node): Node =>
  whereNot(g, compare(g, 'eq', deviation, 0), div(g, grad, mul(g, deviation, 2)));

/** Of a variance or a standard deviation, and of the mean where the operator returns that as well. */
function spreadOf(what: 'var' | 'std', correctionOf: (call: DifferentiatedCall) => number): GradientRule {
  return reduction((call, g) => {
    const { self, axes, count, spread, grads } = call;
    const [ofSpread, ofMean] = grads;
    const parts: Node[] = [];
    if (ofSpread) {
      const deviation = grads.length > 1 ? () => g.item(call.result, 0) : () => call.result;
      const grad = what === 'std' ? ofRoot(g, ofSpread, deviation()) : ofSpread;
      const centred = sub(g, self, g.call('aten.mean.dim', self, [...axes], true));
      parts.push(mul(g, centred, mul(g, spread(grad), 2 / (count - correctionOf(call)))));
    }
    if (ofMean) parts.push(expanded(g, call, div(g, spread(ofMean), count)));
    return parts.reduce((sum, part) => add(g, sum, part));
  });
}

const correction = ({ args }: DifferentiatedCall) => args.optionalNumber('correction') ?? 1;
const unbiased = ({ args }: DifferentiatedCall) => (args.bool('unbiased') ? 1 : 0);

/** Gradients of sums and the like: each element's share. */
export const reductionGradients: GradientRules = {
  'aten.sum.default': sum,
  'aten.sum.dim_IntList': sum,
  'aten.mean.default': mean,
  'aten.mean.dim': mean,
  'aten.amax.default': extremum,
  'aten.amin.default': extremum,
  'aten.logsumexp.default': logSumExp,
  'aten.max.default': extremum,
  'aten.min.default': extremum,
  'aten.prod.default': product,
  'aten.prod.dim_int': product,
  'aten.linalg_vector_norm.default': norm(({ args }) => args.number('ord')),
  'aten.norm.Scalar': norm(({ args }) => args.number('p')),
  'aten.norm.ScalarOpt_dim': norm(({ args }) => args.optionalNumber('p') ?? 2),
  'aten.norm.ScalarOpt_dim_dtype': norm(({ args }) => args.optionalNumber('p') ?? 2),
  'aten.frobenius_norm.dim': norm(() => 2),
  ...Object.fromEntries(
    (['var', 'std'] as const).flatMap((what) =>
      [what, `${what}_mean`].flatMap((name) => [
        [`aten.${name}.default`, spreadOf(what, unbiased)],
        [`aten.${name}.dim`, spreadOf(what, unbiased)],
        [`aten.${name}.correction`, spreadOf(what, correction)],
      ]),
    ),
  ),
};
