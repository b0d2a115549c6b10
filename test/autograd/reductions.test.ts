import { describe, test } from 'vitest';
import { type GradientCase, nameOf, x } from '../support/gradients.ts';
import { checkFunction } from '../support/layer-gradients.ts';

const f = (target: string, ...args: GradientCase['args']): GradientCase => ({
  target: `aten.${target}`,
  args,
});

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
  f('var.default', x(3, 4)),
  f('std.default', x(3, 4), false),
  f('std.dim', x(3, 4), [0], true, true),
  { ...f('std.correction', x(2, 3, 4), [0, -1]), kwargs: { correction: 2 } },
  ...[[0], [1], [0, 1]].flatMap((results) =>
    ['var_mean', 'std_mean'].map((name) => ({ ...f(`${name}.correction`, x(3, 4), [1]), results })),
  ),
  { ...f('var_mean.default', x(3, 4)), results: [0, 1] },
  { ...f('std_mean.dim', x(3, 4), [-2]), results: [0] },
  f('max.default', x(3, 4)),
  f('min.default', x(3, 4)),
  ...['max.dim', 'min.dim'].flatMap((name) => [
    { ...f(name, x(3, 4), -1), results: [0] },
    { ...f(name, x(3, 4), 0, true), results: [0] },
  ]),
  { ...f('sort.default', x(3, 4)), results: [0] },
  { ...f('sort.default', x(3, 4), 0, true), results: [0] },
  { ...f('topk.default', x(3, 6), 2), results: [0] },
  { ...f('topk.default', x(6, 3), 4, 0, false), results: [0] },
  f('prod.default', x(2, 3)),
  f('prod.dim_int', x(3, 4), 1),
  f('prod.dim_int', x(2, 3, 4), -2, true),
  f('cumsum.default', x(3, 4), -1),
  f('cumsum.default', x(3, 4), 0),
  f('cumprod.default', x(3, 4), 1),
  f('cumprod.default', x(2, 3, 4), 1),
  ...[0, 0.5, 1, 1.5, 2, 3, Infinity].map((order) => f('linalg_vector_norm.default', x(3, 4), order, [1])),
  f('norm.Scalar', x(3, 4), 1.5),
  f('norm.ScalarOpt_dim', x(3, 4), null, [0], true),
  f('norm.ScalarOpt_dim', x(3, 4), -Infinity, [1]),
  f('frobenius_norm.dim', x(2, 3, 4), [1, 2]),
];

describe.each(Object.entries({ reductions }))('gradients: %s', (_, list) => {
  test.each(list.map((each) => [nameOf(each), each] as const))('%s', (_name, each) => checkFunction(each));
});
