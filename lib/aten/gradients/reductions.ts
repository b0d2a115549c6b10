import type { Node } from '../../graph/index.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { div, mul, reshape, sub, where } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

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
  const named = hasDim ? (args.optionalNumbers('dim') ?? []) : [];
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

/** Of the norm of order 2 alone; at 0 the gradient is 0, as in PyTorch. */
const norm = reduction(({ args, self, spread, grad, result }, g) => {
  if (args.number('ord') !== 2)
    throw new Error(`${args.schema.name}: there is no gradient of a norm of order ${args.number('ord')}`);
  const length = spread(result);
  const direction = div(g, self, length);
  const isZero = g.call('aten.eq.Scalar', length, 0);
  return mul(g, g.call('aten.masked_fill.Scalar', direction, isZero, 0), spread(grad));
});

function variance(correctionOf: (call: DifferentiatedCall) => number): GradientRule {
  return reduction((call, g) => {
    const { self, axes, count, spread, grad } = call;
    const average = g.call('aten.mean.dim', self, [...axes], true);
    return mul(g, sub(g, self, average), mul(g, spread(grad), 2 / (count - correctionOf(call))));
  });
}

/** Gradients of sums and the like: each element's share. */
export const reductionGradients: GradientRules = {
  'aten.sum.default': sum,
  'aten.sum.dim_IntList': sum,
  'aten.mean.default': mean,
  'aten.mean.dim': mean,
  'aten.amax.default': extremum,
  'aten.amin.default': extremum,
  'aten.logsumexp.default': logSumExp,
  'aten.linalg_vector_norm.default': norm,
  'aten.var.correction': variance(({ args }) => args.optionalNumber('correction') ?? 1),
  'aten.var.dim': variance(({ args }) => (args.bool('unbiased') ? 1 : 0)),
};
