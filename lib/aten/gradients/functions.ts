import type { Node } from '../../graph/index.ts';
import { add, and, compare, div, mul, neg, oneMinus, where } from './arithmetic.ts';
import type { GradientBuilder, GradientRule, GradientRules } from './rule.ts';
import { unary } from './unary.ts';

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/** x^(e - 1) * e; nothing depends on x where e is 0. */
function powerSlope(g: GradientBuilder, x: Node, exponent: number): Node {
  if (exponent === 0) return g.call('aten.zeros_like.default', x);
  if (exponent === 2) return mul(g, x, 2);
  return mul(g, g.call('aten.pow.Tensor_Scalar', x, exponent - 1), exponent);
}

const call =
  (name: string) =>
  (g: GradientBuilder, x: Node): Node =>
    g.call(`aten.${name}.default`, x);
const [cos, cosh, exp, rsqrt, sign, sin, sinh] = [
  ...['cos', 'cosh', 'exp', 'rsqrt', 'sign', 'sin', 'sinh'],
].map(call);

const square = (g: GradientBuilder, x: Node): Node => mul(g, x, x);

/** The slope of erf, times `factor`. */
const bell = (factor: number): GradientRule =>
  unary(({ grad, x }, g) => mul(g, grad, mul(g, exp(g, neg(g, square(g, x))), factor * twoOverRootPi)));

/** Inside of the bounds, at which it passes, as in PyTorch. */
const clamp: GradientRule = unary(({ grad, x, args }, g) => {
  const [min, max] = [args.optionalNumber('min'), args.optionalNumber('max')];
  const above = min === null ? undefined : compare(g, 'ge', x, min);
  const below = max === null ? undefined : compare(g, 'le', x, max);
  const condition = above && below ? and(g, above, below) : (above ?? below!);
  return where(g, condition, grad);
});

const differentiable: GradientRules = {
  'aten.neg.default': unary(({ grad }, g) => neg(g, grad)),
  'aten.abs.default': unary(({ grad, x }, g) => mul(g, grad, sign(g, x))),
  'aten.exp.default': unary(({ grad, result }, g) => mul(g, grad, result)),
  'aten.log.default': unary(({ grad, x }, g) => div(g, grad, x)),
  'aten.log1p.default': unary(({ grad, x }, g) => div(g, grad, add(g, x, 1))),
  'aten.expm1.default': unary(({ grad, result }, g) => mul(g, grad, add(g, result, 1))),
  'aten.sqrt.default': unary(({ grad, result }, g) => div(g, grad, mul(g, result, 2))),
  'aten.rsqrt.default': unary(({ grad, result }, g) =>
    mul(g, grad, mul(g, g.call('aten.pow.Tensor_Scalar', result, 3), -0.5)),
  ),
  'aten.reciprocal.default': unary(({ grad, result }, g) => neg(g, mul(g, grad, mul(g, result, result)))),
  'aten.square.default': unary(({ grad, x }, g) => mul(g, grad, mul(g, x, 2))),
  'aten.sin.default': unary(({ grad, x }, g) => mul(g, grad, cos(g, x))),
  'aten.cos.default': unary(({ grad, x }, g) => neg(g, mul(g, grad, sin(g, x)))),
  'aten.erf.default': bell(1),
  'aten.special_erf.default': bell(1),
  'aten.erfc.default': bell(-1),
  'aten.tan.default': unary(({ grad, result }, g) => mul(g, grad, add(g, square(g, result), 1))),
  'aten.sinh.default': unary(({ grad, x }, g) => mul(g, grad, cosh(g, x))),
  'aten.cosh.default': unary(({ grad, x }, g) => mul(g, grad, sinh(g, x))),
  'aten.asin.default': unary(({ grad, x }, g) => mul(g, grad, rsqrt(g, oneMinus(g, square(g, x))))),
  'aten.acos.default': unary(({ grad, x }, g) => neg(g, mul(g, grad, rsqrt(g, oneMinus(g, square(g, x)))))),
  'aten.atan.default': unary(({ grad, x }, g) => div(g, grad, add(g, square(g, x), 1))),
  'aten.asinh.default': unary(({ grad, x }, g) => mul(g, grad, rsqrt(g, add(g, square(g, x), 1)))),
  'aten.acosh.default': unary(({ grad, x }, g) => mul(g, grad, rsqrt(g, add(g, square(g, x), -1)))),
  'aten.atanh.default': unary(({ grad, x }, g) => div(g, grad, oneMinus(g, square(g, x)))),
  'aten.exp2.default': unary(({ grad, result }, g) => mul(g, grad, mul(g, result, Math.LN2))),
  'aten.log2.default': unary(({ grad, x }, g) => div(g, grad, mul(g, x, Math.LN2))),
  'aten.log10.default': unary(({ grad, x }, g) => div(g, grad, mul(g, x, Math.LN10))),
  'aten.frac.default': unary(({ grad }) => grad),
  'aten.logit.default': unary(({ grad, x, args }, g) => {
    const slope = div(g, grad, mul(g, x, oneMinus(g, x)));
    const eps = args.optionalNumber('eps');
    if (eps === null) return slope;
    return where(g, and(g, compare(g, 'ge', x, eps), compare(g, 'le', x, 1 - eps)), slope);
  }),
  'aten.nan_to_num.default': unary(({ grad, x }, g) => where(g, g.call('aten.isfinite.default', x), grad)),
  'aten.pow.Tensor_Scalar': unary(({ grad, x, args }, g) =>
    mul(g, grad, powerSlope(g, x, args.number('exponent'))),
  ),
  'aten.clamp.default': clamp,
  'aten.clip.default': clamp,
  'aten.clamp_min.default': unary(({ grad, x, args }, g) =>
    where(g, compare(g, 'ge', x, args.number('min')), grad),
  ),
  'aten.clamp_max.default': unary(({ grad, x, args }, g) =>
    where(g, compare(g, 'le', x, args.number('max')), grad),
  ),
};

/** Nothing changes a little when the input does. */
const flat: GradientRules = Object.fromEntries(
  ['sign', 'floor', 'ceil', 'round', 'trunc', 'fix'].map((name) => [
    `aten.${name}.default`,
    unary(({ x }, g) => g.call('aten.zeros_like.default', x)),
  ]),
);

/** Gradients of functions of one tensor's elements (counterpart: PyTorch's `derivatives.yaml`). */
export const functionGradients: GradientRules = {
  ...differentiable,
  ...flat,
  'aten.round.decimals': flat['aten.round.default'],
};
