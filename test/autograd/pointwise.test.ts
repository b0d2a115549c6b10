import { describe, expect, test } from 'vitest';
import {
  type GradientCase,
  gradientsOf,
  indices,
  mask,
  nameOf,
  sampled,
  within,
  x,
} from '../support/gradients.ts';
import { relativeError } from '../support/spatial.ts';

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
  ...['log', 'log1p', 'sqrt', 'rsqrt', 'reciprocal'].map((name) => f(`${name}.default`, positive)),
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
  f('maximum.default', x(3, 4), x(2, 3, 4)),
  f('minimum.default', x(3, 4), x(4)),
  f('where.self', mask(3, 4), x(3, 4), x(4)),
  f('masked_fill.Scalar', x(3, 4), mask(4), 0.5),
  f('lerp.Scalar', x(3, 4), x(3, 4), 0.3),
  f('addcmul.default', x(3, 4), x(3, 4), x(4)),
];

const movement: readonly GradientCase[] = [
  f('view.default', x(3, 4), [2, 6]),
  f('reshape.default', x(3, 4), [-1]),
  f('flatten.using_ints', x(2, 3, 4), 1),
  f('unsqueeze.default', x(3, 4), 1),
  f('squeeze.dim', x(3, 1, 4), 1),
  f('squeeze.default', x(1, 3, 1)),
  f('expand.default', x(3, 1), [2, 3, 4]),
  f('permute.default', x(2, 3, 4), [2, 0, 1]),
  f('permute.default', x(2, 3, 4), [-1, 0, 1]),
  f('transpose.int', x(2, 3, 4), 0, -1),
  f('t.default', x(3, 4)),
  f('mT.default', x(2, 3, 4)),
  f('numpy_T.default', x(2, 3, 4)),
  f('slice.Tensor', x(5, 4), 0, 1, 4),
  f('slice.Tensor', x(5, 4), 1, -3, 1000),
  f('slice.Tensor', x(5, 4), 0, 0, 5, 2),
  f('select.int', x(5, 4), 0, 2),
  f('select.int', x(5, 4), 1, -1),
  f('cat.default', [x(2, 3), x(2, 1), x(2, 4)], 1),
  f('cat.default', [x(2, 3), x(1, 3)], -2),
  { ...f('split.Tensor', x(5, 3), 2), results: [0, 2] },
  { ...f('split_with_sizes.default', x(5, 3), [2, 3]), results: [1] },
  { ...f('chunk.default', x(2, 6), 3, 1), results: [0, 1, 2] },
  { ...f('unbind.int', x(3, 2), 0), results: [2, 0] },
  f('repeat.default', x(2, 3), [2, 1, 3]),
  f('flip.default', x(2, 3), [1]),
  f('roll.default', x(4, 3), [1], [0]),
  f('constant_pad_nd.default', x(3, 4), [1, 2, -1, 3], 0.5),
  f('embedding.default', x(5, 3), indices(5, 2, 4)),
  f('index_select.default', x(4, 3), 1, indices(3, 5)),
  f('gather.default', x(4, 3), 1, indices(3, 4, 2)),
];

const reductions: readonly GradientCase[] = [
  f('sum.default', x(3, 4)),
  f('sum.dim_IntList', x(2, 3, 4), [1]),
  f('sum.dim_IntList', x(2, 3, 4), [0, -1], true),
  f('mean.default', x(3, 4)),
  f('mean.dim', x(2, 3, 4), [-1, 1]),
  f('mean.dim', x(2, 3, 4), [2], true),
  f('amax.default', x(3, 4), [1]),
  f('amin.default', x(3, 4), [0], true),
  f('logsumexp.default', x(3, 4), [1]),
  f('linalg_vector_norm.default', x(3, 4), 2, [1], true),
  { ...f('var.correction', x(3, 4), [1]), kwargs: { correction: 0, keepdim: true } },
  f('var.correction', x(3, 4), [0]),
  f('var.dim', x(3, 4), [1], false),
];

describe.each(Object.entries({ pointwise: cases, movement, reductions }))('gradients: %s', (_, list) => {
  test.each(list.map((each) => [nameOf(each), each] as const))('%s', (_name, each) => {
    const { actual, expected } = gradientsOf(each, 7);
    expect(actual).toHaveLength(expected.length);
    // Central differences with steps of 1e-5 are off by their square times the third derivative, and by rounding: 1e-16 / 1e-5.
    actual.forEach((gradient, i) => {
      expect(relativeError(sampled(gradient), expected[i])).toBeLessThan(1e-8);
    });
  });
});
