import type { Node } from '../../graph/index.ts';
import { add, compare, div, mul, neg, type Operand, sub, sumLike, where, whereNot } from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** What a rule for a function of two tensors reads: an operand may be a number, which has no gradient. */
interface Binary extends DifferentiatedCall {
  readonly a: Operand;
  readonly b: Operand;
}

type Derivative = (call: Binary, g: GradientBuilder) => Node;

/** Gradients by the operands' names, summed where an operand was broadcast. */
export function ofOperands(
  { args }: DifferentiatedCall,
  g: GradientBuilder,
  gradients: Readonly<Record<string, () => Node>>,
): Readonly<Record<string, () => Node>> {
  return Object.fromEntries(
    Object.entries(gradients)
      .filter(([name]) => args.raw(name) !== null && typeof args.raw(name) !== 'number')
      .map(([name, gradient]) => [name, () => sumLike(g, gradient(), args.tensor(name))]),
  );
}

const binary =
  (ofFirst: Derivative, ofSecond: Derivative, names = ['self', 'other']): GradientRule =>
  (call, g) => {
    const [a, b] = names.map((name) => call.args.raw(name) as Operand);
    const both = { ...call, a, b };
    return ofOperands(call, g, {
      [names[0]]: () => ofFirst(both, g),
      [names[1]]: () => ofSecond(both, g),
    });
  };

const whole: Derivative = ({ grad }) => grad;
const scaled =
  (sign: 1 | -1): Derivative =>
  ({ args, grad }, g) => {
    const factor = sign * args.number('alpha');
    return factor === 1 ? grad : mul(g, grad, factor);
  };

const product = binary(
  ({ grad, b }, g) => mul(g, grad, b),
  ({ grad, a }, g) => mul(g, grad, a),
);

const quotient = binary(
  ({ grad, b }, g) => div(g, grad, b),
  ({ grad, result, b }, g) => neg(g, div(g, mul(g, grad, result), b)),
);

/** A rounded quotient is flat. */
const roundedQuotient: GradientRule = (call, g) =>
  call.args.isNone('rounding_mode')
    ? quotient(call, g)
    : ofOperands(call, g, {
        self: () => zeros(g, call.grad),
        other: () => zeros(g, call.grad),
      });

const zeros = (g: GradientBuilder, like: Node): Node => g.call('aten.zeros_like.default', like);

/** a - b * round(a / b) */
const rest = (rounding: 'floor' | 'trunc'): GradientRule =>
  binary(whole, ({ grad, a, b }, g) => {
    // Of a number and a tensor only the tensor may stand first.
    const quotientOf = typeof a === 'number' ? mul(g, g.call('aten.reciprocal.default', b), a) : div(g, a, b);
    return neg(g, mul(g, grad, g.call(`aten.${rounding}.default`, quotientOf)));
  });

/** Of two equal operands each has half of the gradient, as in PyTorch. */
const extremum = (wins: 'gt' | 'lt'): GradientRule => {
  const share = (grad: Node, one: Operand, other: Operand, g: GradientBuilder) => {
    const half = where(g, g.call('aten.eq.Tensor', one, other), mul(g, grad, 0.5));
    return add(g, where(g, g.call(`aten.${wins}.Tensor`, one, other), grad), half);
  };
  return binary(
    ({ grad, a, b }, g) => share(grad, a, b, g),
    ({ grad, a, b }, g) => share(grad, b, a, g),
  );
};

/** Of two equal operands the first has the gradient; of a number and NaN the number, as in PyTorch. */
const extremumOfNumbers = (wins: 'ge' | 'le'): GradientRule => {
  const isFirst = ({ a, b }: Binary, g: GradientBuilder) =>
    g.call('aten.logical_or.default', g.call(`aten.${wins}.Tensor`, a, b), g.call('aten.isnan.default', b));
  return binary(
    (call, g) => where(g, isFirst(call, g), call.grad),
    (call, g) => whereNot(g, isFirst(call, g), call.grad),
  );
};

/** b a^(b - 1), and 0 where b is 0. */
const ofBase: Derivative = ({ grad, a, b }, g) => {
  const slope = mul(g, g.call('aten.pow.Tensor_Tensor', a, g.call('aten.sub.Scalar', b, 1)), b);
  return whereNot(g, compare(g, 'eq', b as Node, 0), mul(g, grad, slope));
};

/** a^b log(a), and 0 where a is 0, unless b is negative. */
const ofExponent: Derivative = ({ grad, result, a, b }, g) => {
  if (typeof a === 'number')
    return a === 0
      ? where(g, compare(g, 'lt', b as Node, 0), mul(g, grad, result, -Infinity))
      : mul(g, grad, result, Math.log(a));
  const slope = mul(g, grad, mul(g, result, g.call('aten.log.default', a)));
  const isFlat = g.call('aten.logical_and.default', compare(g, 'eq', a, 0), compare(g, 'ge', b as Node, 0));
  return whereNot(g, isFlat, slope);
};

const power = binary(ofBase, ofExponent, ['self', 'exponent']);

/** a^2 + b^2 */
const squares = ({ a, b }: Binary, g: GradientBuilder): Node =>
  add(g, mul(g, a as Node, a), mul(g, b as Node, b));

/** Gradients of functions of two tensors, or of a tensor and a number (counterpart: PyTorch's `derivatives.yaml`). */
export const operandGradients: GradientRules = {
  ...named(['add'], binary(whole, scaled(1))),
  ...named(['sub', 'subtract'], binary(whole, scaled(-1))),
  ...named(['rsub'], binary(scaled(-1), whole)),
  ...named(['mul', 'multiply'], product),
  ...named(['div', 'divide', 'true_divide'], quotient),
  'aten.div.Tensor_mode': roundedQuotient,
  'aten.div.Scalar_mode': roundedQuotient,
  ...named(['remainder'], rest('floor')),
  'aten.remainder.Scalar_Tensor': rest('floor'),
  ...named(['fmod'], rest('trunc')),
  'aten.maximum.default': extremum('gt'),
  'aten.minimum.default': extremum('lt'),
  'aten.max.other': extremum('gt'),
  'aten.min.other': extremum('lt'),
  'aten.fmax.default': extremumOfNumbers('ge'),
  'aten.fmin.default': extremumOfNumbers('le'),
  'aten.pow.Tensor_Tensor': power,
  'aten.pow.Scalar': power,
  'aten.atan2.default': binary(
    (call, g) => div(g, mul(g, call.grad, call.b), squares(call, g)),
    (call, g) => neg(g, div(g, mul(g, call.grad, call.a), squares(call, g))),
  ),
  'aten.hypot.default': binary(
    ({ grad, a, result }, g) => mul(g, grad, div(g, a as Node, result)),
    ({ grad, b, result }, g) => mul(g, grad, div(g, b as Node, result)),
  ),
  // The sign of a zero is none.
  'aten.copysign.Tensor': binary(
    ({ grad, a, result }, g) => whereNot(g, compare(g, 'eq', a as Node, 0), mul(g, grad, div(g, result, a))),
    ({ grad }, g) => zeros(g, grad),
  ),
  'aten.logaddexp.default': binary(
    ({ grad, a, b }, g) => mul(g, grad, g.call('aten.sigmoid.default', sub(g, a as Node, b))),
    ({ grad, a, b }, g) => mul(g, grad, g.call('aten.sigmoid.default', sub(g, b as Node, a))),
  ),
  'aten.xlogy.Tensor': binary(
    ({ grad, a, b }, g) => {
      const isFlat = g.call(
        'aten.logical_and.default',
        compare(g, 'eq', a as Node, 0),
        compare(g, 'le', b as Node, 0),
      );
      return whereNot(g, isFlat, mul(g, grad, g.call('aten.log.default', b)));
    },
    ({ grad, a, b }, g) => div(g, mul(g, grad, a), b),
  ),
};

/** The same rule for tensors and for numbers. */
function named(names: readonly string[], rule: GradientRule): GradientRules {
  return Object.fromEntries(
    names.flatMap((name) => ['Tensor', 'Scalar'].map((overload) => [`aten.${name}.${overload}`, rule])),
  );
}
