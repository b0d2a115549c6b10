import { describe, test } from 'vitest';
import { fixed, type GradientCase, mask, nameOf, within, x } from '../support/gradients.ts';
import { checkFunction } from '../support/layer-gradients.ts';

const f = (target: string, ...args: GradientCase['args']): GradientCase => ({
  target: `aten.${target}`,
  args,
});

const positive = within(0.2, 3, 3, 4);

const cases: readonly GradientCase[] = [
  ...['relu', 'relu6', 'sigmoid', 'tanh', 'hardsigmoid', 'hardswish', 'silu', 'gelu', 'elu', 'softplus'].map(
    (name) => f(`${name}.default`, within(-5, 8, 6, 5)),
  ),
  ...['log_sigmoid', 'neg', 'abs', 'exp', 'expm1', 'square', 'sin', 'cos', 'erf'].map((name) =>
    f(`${name}.default`, x(6, 5)),
  ),
  ...['sinh', 'cosh', 'asinh', 'atan', 'erfc', 'special_erf', 'exp2', 'frac', 'nan_to_num', 'dropout'].map(
    (name) =>
      name === 'dropout' ? f('dropout.default', x(3, 4), 0.5, false) : f(`${name}.default`, x(6, 5)),
  ),
  ...['tan', 'asin', 'acos', 'atanh'].map((name) => f(`${name}.default`, within(-0.9, 0.9, 6, 5))),
  f('acosh.default', within(1.1, 4, 3, 4)),
  f('logit.default', within(0.05, 0.95, 3, 4)),
  f('logit.default', within(0.05, 0.95, 6, 4), 0.2),
  ...['selu', 'celu', 'mish', 'hardshrink', 'softshrink'].map((name) => f(`${name}.default`, x(6, 5))),
  f('celu.default', x(6, 5), 0.6),
  f('hardshrink.default', x(6, 5), 1.2),
  f('threshold.default', x(6, 5), 0.4, -3),
  ...['sign', 'floor', 'ceil', 'round', 'trunc', 'fix'].map((name) => f(`${name}.default`, x(3, 4))),
  { ...f('round.decimals', x(3, 4)), kwargs: { decimals: 1 } },
  ...['log', 'log2', 'log10', 'log1p', 'sqrt', 'rsqrt', 'reciprocal'].map((name) =>
    f(`${name}.default`, positive),
  ),
  ...['relu_', 'hardswish_'].map((name) => f(`${name}.default`, x(4, 5))),
  f('add_.Tensor', x(3, 4), x(4)),
  f('hardtanh.default', x(4, 5), -0.5, 1),
  f('leaky_relu.default', x(4, 5), 0.2),
  f('elu.default', x(4, 5), 1.5, 0.7, 0.9),
  f('softplus.default', x(4, 5), 2, 1.5),
  { ...f('gelu.default', x(4, 5)), kwargs: { approximate: 'tanh' } },
  ...[0, 1, 2, 3, 0.5, -1].map((exponent) => f('pow.Tensor_Scalar', positive, exponent)),
  f('clamp.default', x(4, 5), -1, 0.5),
  f('clamp.default', x(4, 5), null, 0.5),
  f('clamp.default', x(4, 5), -1),
  f('clamp_min.default', x(4, 5), 0.25),
  f('clamp_max.default', x(4, 5), 0.25),
  ...['add', 'sub', 'mul', 'div'].flatMap((name) => [
    f(`${name}.Tensor`, x(3, 4), within(0.5, 2, 3, 4)),
    f(`${name}.Tensor`, x(2, 3, 4), within(0.5, 2, 3, 1)),
    f(`${name}.Tensor`, x(3, 1), within(0.5, 2, 2, 3, 4)),
    f(`${name}.Tensor`, x(3, 4), within(0.5, 2)),
    f(`${name}.Tensor`, x(3, 4), 1.5),
    f(`${name}.Scalar`, x(3, 4), 1.5),
  ]),
  f('rsub.Scalar', x(3, 4), 1.5, 2),
  { ...f('rsub.Tensor', x(3, 4), x(4)), kwargs: { alpha: 2 } },
  { ...f('add.Tensor', x(3, 4), x(4)), kwargs: { alpha: -0.5 } },
  { ...f('sub.Tensor', x(4), x(3, 4)), kwargs: { alpha: 3 } },
  ...['subtract', 'multiply', 'divide', 'true_divide'].flatMap((name) => [
    f(`${name}.Tensor`, x(3, 4), within(0.5, 2, 4)),
    f(`${name}.Scalar`, x(3, 4), 1.5),
  ]),
  { ...f('div.Tensor_mode', x(3, 4), within(0.5, 2, 4)), kwargs: { rounding_mode: 'floor' } },
  { ...f('div.Scalar_mode', x(3, 4), 1.5), kwargs: { rounding_mode: 'trunc' } },
  { ...f('div.Tensor_mode', x(3, 4), within(0.5, 2, 4)), kwargs: { rounding_mode: null } },
  ...['remainder', 'fmod'].flatMap((name) => [
    f(`${name}.Tensor`, x(3, 4), within(0.3, 0.9, 4)),
    f(`${name}.Scalar`, x(3, 4), -0.7),
  ]),
  f('remainder.Scalar_Tensor', 2.5, within(0.3, 0.9, 3, 4)),
  ...['fmax.default', 'fmin.default', 'max.other', 'min.other'].map((name) => f(name, x(3, 4), x(2, 3, 4))),
  f('pow.Tensor_Tensor', positive, x(4)),
  f('pow.Tensor_Tensor', within(0.2, 3, 2, 1), x(3, 2, 4)),
  ...[0.3, 1, 2].map((base) => f('pow.Scalar', base, x(3, 4))),
  f('atan2.default', x(3, 4), x(4)),
  f('hypot.default', x(3, 4), x(3, 1)),
  f('copysign.Tensor', x(3, 4), x(3, 4)),
  f('logaddexp.default', x(3, 4), x(4)),
  f('xlogy.Tensor', x(3, 4), within(0.2, 3, 4)),
  f('clamp.Tensor', x(3, 4), within(-1.5, 0, 4), within(-0.5, 1, 3, 1)),
  f('clamp.Tensor', x(3, 4), x(4), null),
  f('clip.Tensor', x(3, 4), null, x(3, 4)),
  f('clip.default', x(3, 4), -1, 0.5),
  f('clamp_min.Tensor', x(3, 4), x(4)),
  f('clamp_max.Tensor', x(3, 4), x(4)),
  f('where.ScalarOther', mask(3, 4), x(4), 2),
  f('where.ScalarSelf', mask(3, 4), 2, x(3, 4)),
  f('masked_fill.Tensor', x(3, 4), mask(4), x()),
  f('fill.Tensor', fixed(-1, 1, 3, 4), x()),
  f('lerp.Tensor', x(3, 4), x(4), x(3, 1)),
  { ...f('addcmul.default', x(3, 4), x(3, 1), x(4)), kwargs: { value: 0.5 } },
  { ...f('addcdiv.default', x(3, 4), x(3, 1), within(0.5, 2, 4)), kwargs: { value: -2 } },
  f('maximum.default', x(3, 4), x(2, 3, 4)),
  f('minimum.default', x(3, 4), x(4)),
  f('where.self', mask(3, 4), x(3, 4), x(4)),
  f('masked_fill.Scalar', x(3, 4), mask(4), 0.5),
  f('lerp.Scalar', x(3, 4), x(3, 4), 0.3),
  f('addcmul.default', x(3, 4), x(3, 4), x(4)),
];

describe.each(Object.entries({ pointwise: cases }))('gradients: %s', (_, list) => {
  test.each(list.map((each) => [nameOf(each), each] as const))('%s', (_name, each) => checkFunction(each));
});
