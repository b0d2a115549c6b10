import type { Node } from '../../graph/index.ts';
import { add, and, compare, div, mul, neg, oneMinus, sumLike, where } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** What a rule for a function of one tensor reads. */
interface Unary extends DifferentiatedCall {
  readonly x: Node;
}

/** The gradient of `self` in a function of each element. */
const unary =
  (derivative: (call: Unary, g: GradientBuilder) => Node): GradientRule =>
  (call, g) => ({ self: () => derivative({ ...call, x: call.args.tensor('self') }, g) });

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

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

/** x^(e - 1) * e; nothing depends on x where e is 0. */
function powerSlope(g: GradientBuilder, x: Node, exponent: number): Node {
  if (exponent === 0) return g.call('aten.zeros_like.default', x);
  if (exponent === 2) return mul(g, x, 2);
  return mul(g, g.call('aten.pow.Tensor_Scalar', x, exponent - 1), exponent);
}

/** Inside (low, high). Both functions are flat outside; at the ends PyTorch has 0, too. */
const inside = (g: GradientBuilder, x: Node, low: number, high: number): Node =>
  and(g, compare(g, 'gt', x, low), compare(g, 'lt', x, high));

const activations: GradientRules = {
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
  'aten.elu.default': unary(({ grad, x, args }, g) => {
    const [alpha, scale, inner] = ['alpha', 'scale', 'input_scale'].map((name) => args.number(name));
    const curve = mul(g, g.call('aten.exp.default', mul(g, x, inner)), alpha * scale * inner);
    const slope = g.call('aten.where.ScalarSelf', compare(g, 'gt', x, 0), scale, curve);
    return mul(g, grad, slope);
  }),
  'aten.softplus.default': unary(({ grad, x, args }, g) => {
    const [beta, threshold] = [args.number('beta'), args.number('threshold')];
    const slope = g.call('aten.sigmoid.default', mul(g, x, beta));
    return g.call('aten.where.self', compare(g, 'gt', x, threshold / beta), grad, mul(g, grad, slope));
  }),
  'aten.log_sigmoid.default': unary(({ grad, x }, g) =>
    mul(g, grad, g.call('aten.sigmoid.default', neg(g, x))),
  ),
};

const functions: GradientRules = {
  'aten.neg.default': unary(({ grad }, g) => neg(g, grad)),
  'aten.abs.default': unary(({ grad, x }, g) => mul(g, grad, g.call('aten.sign.default', x))),
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
  'aten.sin.default': unary(({ grad, x }, g) => mul(g, grad, g.call('aten.cos.default', x))),
  'aten.cos.default': unary(({ grad, x }, g) => neg(g, mul(g, grad, g.call('aten.sin.default', x)))),
  'aten.erf.default': unary(({ grad, x }, g) =>
    mul(g, grad, mul(g, g.call('aten.exp.default', neg(g, mul(g, x, x))), twoOverRootPi)),
  ),
  'aten.pow.Tensor_Scalar': unary(({ grad, x, args }, g) =>
    mul(g, grad, powerSlope(g, x, args.number('exponent'))),
  ),
  // At the bounds the gradient passes, as in PyTorch.
  'aten.clamp.default': unary(({ grad, x, args }, g) => {
    const [min, max] = [args.optionalNumber('min'), args.optionalNumber('max')];
    const above = min === null ? undefined : compare(g, 'ge', x, min);
    const below = max === null ? undefined : compare(g, 'le', x, max);
    const condition = above && below ? and(g, above, below) : (above ?? below!);
    return where(g, condition, grad);
  }),
  'aten.clamp_min.default': unary(({ grad, x, args }, g) =>
    where(g, compare(g, 'ge', x, args.number('min')), grad),
  ),
  'aten.clamp_max.default': unary(({ grad, x, args }, g) =>
    where(g, compare(g, 'le', x, args.number('max')), grad),
  ),
};

/** An operand that may be a number, which has no gradient. */
function withGradient(
  { args }: DifferentiatedCall,
  g: GradientBuilder,
  gradients: Readonly<Record<string, () => Node>>,
): Readonly<Record<string, () => Node>> {
  return Object.fromEntries(
    Object.entries(gradients)
      .filter(([name]) => typeof args.raw(name) !== 'number')
      .map(([name, gradient]) => [name, () => sumLike(g, gradient(), args.tensor(name))]),
  );
}

const operand = (call: DifferentiatedCall, name: string) => call.args.raw(name) as Node | number;

const sum =
  (sign: 1 | -1): GradientRule =>
  (call, g) => {
    const factor = sign * call.args.number('alpha');
    return withGradient(call, g, {
      self: () => call.grad,
      other: () => (factor === 1 ? call.grad : mul(g, call.grad, factor)),
    });
  };

const product: GradientRule = (call, g) =>
  withGradient(call, g, {
    self: () => mul(g, call.grad, operand(call, 'other')),
    other: () => mul(g, call.grad, operand(call, 'self')),
  });

const quotient: GradientRule = (call, g) =>
  withGradient(call, g, {
    self: () => div(g, call.grad, operand(call, 'other')),
    other: () => neg(g, div(g, mul(g, call.grad, call.result), operand(call, 'other'))),
  });

/** Of two equal operands each has half of the gradient, as in PyTorch. */
const extremum =
  (wins: 'gt' | 'lt'): GradientRule =>
  (call, g) => {
    const [a, b] = [call.args.tensor('self'), call.args.tensor('other')];
    const share = (one: Node, other: Node) => {
      const whole = where(g, g.call(`aten.${wins}.Tensor`, one, other), call.grad);
      const half = where(g, g.call('aten.eq.Tensor', one, other), mul(g, call.grad, 0.5));
      return add(g, whole, half);
    };
    return withGradient(call, g, { self: () => share(a, b), other: () => share(b, a) });
  };

const ofTwo: GradientRules = {
  'aten.add.Tensor': sum(1),
  'aten.add.Scalar': sum(1),
  'aten.sub.Tensor': sum(-1),
  'aten.sub.Scalar': sum(-1),
  'aten.rsub.Scalar': (call, g) => ({ self: () => mul(g, call.grad, -call.args.number('alpha')) }),
  'aten.mul.Tensor': product,
  'aten.mul.Scalar': product,
  'aten.div.Tensor': quotient,
  'aten.div.Scalar': quotient,
  'aten.subtract.Tensor': sum(-1),
  'aten.multiply.Tensor': product,
  'aten.divide.Tensor': quotient,
  'aten.true_divide.Tensor': quotient,
  'aten.maximum.default': extremum('gt'),
  'aten.minimum.default': extremum('lt'),
  'aten.where.self': (call, g) => {
    const condition = call.args.tensor('condition');
    return withGradient(call, g, {
      self: () => where(g, condition, call.grad),
      other: () => where(g, g.call('aten.logical_not.default', condition), call.grad),
    });
  },
  'aten.masked_fill.Scalar': ({ args, grad }, g) => ({
    self: () =>
      sumLike(g, g.call('aten.masked_fill.Scalar', grad, args.tensor('mask'), 0), args.tensor('self')),
  }),
  'aten.lerp.Scalar': (call, g) => {
    const weight = call.args.number('weight');
    return withGradient(call, g, {
      self: () => mul(g, call.grad, 1 - weight),
      end: () => mul(g, call.grad, weight),
    });
  },
  'aten.addcmul.default': (call, g) => {
    const value = call.args.number('value');
    return withGradient(call, g, {
      self: () => call.grad,
      tensor1: () => mul(g, call.grad, call.args.tensor('tensor2'), value),
      tensor2: () => mul(g, call.grad, call.args.tensor('tensor1'), value),
    });
  },
};

/** Nothing changes a little when the input does. */
const flat: GradientRules = Object.fromEntries(
  ['aten.sign', 'aten.floor', 'aten.ceil', 'aten.round', 'aten.trunc'].map((name) => [
    `${name}.default`,
    unary(({ x }, g) => g.call('aten.zeros_like.default', x)),
  ]),
);

/** Gradients of functions of elements (counterpart: PyTorch's `derivatives.yaml`). */
export const pointwiseGradients: GradientRules = { ...activations, ...functions, ...ofTwo, ...flat };
