import type { Node } from '../../graph/index.ts';
import { add, and, compare, mul, neg, oneMinus, where } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';
import { unary } from './unary.ts';

/** d/dx of the standard normal distribution's density and of its integral, which GELU is made of. */
function geluSlope(g: GradientBuilder, x: Node): Node {
  const integral = mul(g, add(g, g.call('aten.erf.default', mul(g, x, Math.SQRT1_2)), 1), 0.5);
  const density = mul(g, g.call('aten.exp.default', mul(g, mul(g, x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return add(g, integral, mul(g, x, density));
}

function geluTanhSlope(g: GradientBuilder, x: Node): Node {
  const [factor, cubic] = [Math.sqrt(2 / Math.PI), 0.044715];
  const square = mul(g, x, x);
  const inner = mul(g, x, add(g, mul(g, square, factor * cubic), factor));
  const tanh = g.call('aten.tanh.default', inner);
  const slope = add(g, mul(g, square, 3 * factor * cubic), factor);
  const right = mul(g, oneMinus(g, mul(g, tanh, tanh)), slope, x);
  return mul(g, add(g, add(g, tanh, 1), right), 0.5);
}

/** Inside (low, high). Both functions are flat outside; at the ends PyTorch has 0, too. */
const inside = (g: GradientBuilder, x: Node, low: number, high: number): Node =>
  and(g, compare(g, 'gt', x, low), compare(g, 'lt', x, high));

/** scale * x above 0, and alpha * scale * (e^(inner x) - 1) below. */
const exponentialLinear = (
  numbersOf: (call: Pick<DifferentiatedCall, 'args'>) => readonly number[],
): GradientRule =>
  unary(({ grad, x, args }, g) => {
    const [alpha, scale, inner] = numbersOf({ args });
    const curve = mul(g, g.call('aten.exp.default', mul(g, x, inner)), alpha * scale * inner);
    return mul(g, grad, g.call('aten.where.ScalarSelf', compare(g, 'gt', x, 0), scale, curve));
  });

/** 0 in [-bound, bound]. */
const shrink = unary(({ grad, x, args }, g) =>
  where(g, compare(g, 'gt', g.call('aten.abs.default', x), args.number('lambd')), grad),
);

/** Gradients of activations (counterpart: PyTorch's `derivatives.yaml`). */
export const activationGradients: GradientRules = {
  'aten.relu.default': unary(({ grad, result }, g) => where(g, compare(g, 'gt', result, 0), grad)),
  'aten.relu6.default': unary(({ grad, x }, g) => where(g, inside(g, x, 0, 6), grad)),
  'aten.hardtanh.default': unary(({ grad, x, args }, g) =>
    where(g, inside(g, x, args.number('min_val'), args.number('max_val')), grad),
  ),
  'aten.leaky_relu.default': unary(({ grad, x, args }, g) =>
    g.call('aten.where.self', compare(g, 'gt', x, 0), grad, mul(g, grad, args.number('negative_slope'))),
  ),
  // (1 + e^-x)^-1 = s has the slope s (1 - s).
  'aten.sigmoid.default': unary(({ grad, result }, g) => mul(g, grad, mul(g, result, oneMinus(g, result)))),
  'aten.tanh.default': unary(({ grad, result }, g) => mul(g, grad, oneMinus(g, mul(g, result, result)))),
  'aten.hardsigmoid.default': unary(({ grad, x }, g) => where(g, inside(g, x, -3, 3), mul(g, grad, 1 / 6))),
  'aten.hardswish.default': unary(({ grad, x }, g) => {
    const middle = mul(g, grad, add(g, mul(g, x, 1 / 3), 0.5));
    const upper = g.call('aten.where.self', compare(g, 'lt', x, 3), middle, grad);
    return where(g, compare(g, 'gt', x, -3), upper);
  }),
  // x s has the slope s (1 + x (1 - s)).
  'aten.silu.default': unary(({ grad, x }, g) => {
    const s = g.call('aten.sigmoid.default', x);
    return mul(g, grad, mul(g, s, add(g, mul(g, x, oneMinus(g, s)), 1)));
  }),
  'aten.gelu.default': unary(({ grad, x, args }, g) =>
    mul(g, grad, args.string('approximate') === 'tanh' ? geluTanhSlope(g, x) : geluSlope(g, x)),
  ),
  'aten.elu.default': exponentialLinear(({ args }) =>
    ['alpha', 'scale', 'input_scale'].map((name) => args.number(name)),
  ),
  'aten.celu.default': exponentialLinear(({ args }) => [args.number('alpha'), 1, 1 / args.number('alpha')]),
  'aten.selu.default': exponentialLinear(() => [1.6732632423543772, 1.0507009873554805, 1]),
  'aten.softplus.default': unary(({ grad, x, args }, g) => {
    const [beta, threshold] = [args.number('beta'), args.number('threshold')];
    const slope = g.call('aten.sigmoid.default', mul(g, x, beta));
    return g.call('aten.where.self', compare(g, 'gt', x, threshold / beta), grad, mul(g, grad, slope));
  }),
  'aten.log_sigmoid.default': unary(({ grad, x }, g) =>
    mul(g, grad, g.call('aten.sigmoid.default', neg(g, x))),
  ),
  'aten.hardshrink.default': shrink,
  'aten.softshrink.default': shrink,
  'aten.threshold.default': unary(({ grad, x, args }, g) =>
    where(g, compare(g, 'gt', x, args.number('threshold')), grad),
  ),
  // x t with t = tanh(softplus(x)) has the slope t + x (1 - t^2) sigmoid(x).
  'aten.mish.default': unary(({ grad, x }, g) => {
    const t = g.call('aten.tanh.default', g.call('aten.softplus.default', x));
    const bent = mul(g, x, oneMinus(g, mul(g, t, t)), g.call('aten.sigmoid.default', x));
    return mul(g, grad, add(g, t, bent));
  }),
};
