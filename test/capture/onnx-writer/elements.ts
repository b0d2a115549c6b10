import { type Case, type CaseBuilder, type CaseOptions, ofOne } from './case.ts';

/** Numbers that functions treat in their own ways. */
export const special = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1.5,
  -2.5,
  3.4e38,
];

/** Functions of one number, each where it is defined. */
const functions: readonly Case[] = [
  ...ofOne(
    [
      'sin',
      'cos',
      'tan',
      'atan',
      'sinh',
      'cosh',
      'asinh',
      'erf',
      'erfc',
      'exp',
      'exp2',
      'expm1',
      'sigmoid',
      'tanh',
    ].map((name) => `${name}.default`),
    (b, target) => b.call(target, b.x([3, 5])),
  ),
  ...ofOne(['asin.default', 'acos.default', 'atanh.default'], (b, target) =>
    b.call(target, b.x([7], -0.9, 0.9)),
  ),
  ...ofOne(['acosh.default'], (b, target) => b.call(target, b.x([7], 1.1, 9))),
  ...ofOne(
    ['log', 'log2', 'log10', 'log1p', 'sqrt', 'rsqrt', 'reciprocal'].map((name) => `${name}.default`),
    (b, target) => b.call(target, b.x([2, 3], 0.1, 30)),
  ),
  ...ofOne(
    ['abs', 'neg', 'sign', 'square', 'floor', 'ceil', 'round', 'trunc', 'fix'].map(
      (name) => `${name}.default`,
    ),
    (b, target) => b.call(target, b.x([2, 3, 4], -3, 3)),
  ),
  ...ofOne(
    ['abs', 'neg', 'sign', 'square', 'floor', 'round', 'sin', 'sqrt'].map((name) => `${name}.default`),
    (b, target) => b.call(target, b.x([9], 0, 9, 'int32')),
  ),
  ['special_erf', (b) => b.call('aten.special_erf.default', b.x([4]))],
  [
    'expm1 and log1p near 0',
    (b) => {
      const x = b.of('float32', [1e-6, -1e-6, 1e-3, 0, 5, 80]);
      return [b.call('aten.expm1.default', x), b.call('aten.log1p.default', x)];
    },
  ],
  [
    'round to decimals',
    (b) => {
      const x = b.x([6], -300, 300);
      return [1, -2].map((decimals) => b.with('aten.round.decimals', [x], { decimals }));
    },
  ],
  ['frac', (b) => b.call('aten.frac.default', b.x([6]))],
  ['logit', (b) => b.call('aten.logit.default', b.x([6], 0.1, 0.9))],
  ['logit with bounds', (b) => b.call('aten.logit.default', b.x([6], -0.2, 1.2), 0.05)],
  ['nan_to_num', (b) => b.call('aten.nan_to_num.default', b.of('float32', special), 7, 8)],
  [
    'exp of bfloat16',
    (b) => {
      const x = b.call('aten.to.dtype', b.x([6]), 'bfloat16');
      return b.call('aten.to.dtype', b.call('aten.exp.default', x), 'float32');
    },
  ],
];

const activations: readonly Case[] = [
  ...ofOne(
    [
      'relu',
      'relu_',
      'relu6',
      'selu',
      'hardswish',
      'hardsigmoid',
      'silu',
      'gelu',
      'mish',
      'softplus',
      'log_sigmoid',
    ].map((name) => `${name}.default`),
    (b, target) => b.call(target, b.x([2, 3, 5], -7, 7)),
  ),
  ['gelu by tanh', (b) => b.with('aten.gelu.default', [b.x([9], -4, 4)], { approximate: 'tanh' })],
  ['relu of integers', (b) => b.call('aten.relu.default', b.x([9], -5, 5, 'int32'))],
  ['leaky_relu', (b) => b.call('aten.leaky_relu.default', b.x([9]), 0.3)],
  ['elu', (b) => b.call('aten.elu.default', b.x([9]), 0.7)],
  ['elu, scaled twice', (b) => b.call('aten.elu.default', b.x([9]), 0.7, 1.3, 0.4)],
  ['celu', (b) => b.call('aten.celu.default', b.x([9]), 0.6)],
  ['softplus, steeper', (b) => b.call('aten.softplus.default', b.x([9]), 2, 3)],
  ['threshold', (b) => b.call('aten.threshold.default', b.x([9]), 0.5, -3)],
  ['hardshrink', (b) => b.call('aten.hardshrink.default', b.x([9]), 0.7)],
  ['softshrink', (b) => b.call('aten.softshrink.default', b.x([9]), 0.7)],
  ['hardtanh', (b) => b.call('aten.hardtanh.default', b.x([9]), -0.5, 0.7)],
  ['clamp', (b) => b.call('aten.clamp.default', b.x([9]), null, 0.3)],
  ['clip', (b) => b.call('aten.clip.default', b.x([9]), -0.3, 0.3)],
  ['clamp of integers', (b) => b.call('aten.clamp.default', b.x([9], -9, 9, 'int64'), -3, 4)],
  ['clamp to tensors', (b) => b.call('aten.clamp.Tensor', b.x([3, 4]), b.x([4], -1, 0), b.x([3, 1], 0, 1))],
  ['clip to one tensor', (b) => b.call('aten.clip.Tensor', b.x([3, 4]), null, b.x([4], -1, 0))],
  ['clamp_min', (b) => b.call('aten.clamp_min.default', b.x([9]), 0.2)],
  ['clamp_max', (b) => b.call('aten.clamp_max.default', b.x([9]), 0.2)],
  ['clamp_min to a tensor', (b) => b.call('aten.clamp_min.Tensor', b.x([3, 4]), b.x([4]))],
  ['clamp_max to a tensor', (b) => b.call('aten.clamp_max.Tensor', b.x([3, 4]), b.x([4]))],
];

/** Operands that broadcast, with numbers, and of several dtypes. */
function pairs(name: string, low = -3, high = 3, options?: CaseOptions): readonly Case[] {
  const both = (b: CaseBuilder) => [b.x([3, 1, 4]), b.x([2, 4], low, high)] as const;
  return [
    [`${name} of tensors`, (b) => b.call(`aten.${name}.Tensor`, ...both(b)), options],
    [`${name} with a number`, (b) => b.call(`aten.${name}.Scalar`, b.x([5]), 1.5), options],
    [
      `${name} of integers`,
      (b) => b.call(`aten.${name}.Tensor`, b.x([9], -9, 9, 'int32'), b.x([9], 1, 5, 'int64')),
      options,
    ],
  ];
}

const withMode = (mode: string | null, dtype: 'float32' | 'int32'): Case => [
  `div, ${mode}, of ${dtype}`,
  (b) => {
    const [x, y] = [b.x([11], -9, 9, dtype), b.x([11], 1, 4, dtype)];
    const kwargs = { rounding_mode: mode };
    return [b.with('aten.div.Tensor_mode', [x, y], kwargs), b.with('aten.div.Scalar_mode', [x, -2], kwargs)];
  },
];

const arithmetic: readonly Case[] = [
  ...['add', 'sub', 'mul', 'subtract', 'multiply', 'rsub'].flatMap((name) => pairs(name)),
  ...['div', 'divide', 'true_divide'].flatMap((name) => pairs(name, 1, 3)),
  ...['remainder', 'fmod'].flatMap((name) => pairs(name, 0.5, 3)),
  ['add with alpha', (b) => b.with('aten.add.Tensor', [b.x([4]), b.x([4])], { alpha: 2.5 })],
  ['sub with alpha, in place', (b) => b.with('aten.sub_.Tensor', [b.x([4]), b.x([4])], { alpha: -0.5 })],
  ['rsub with alpha', (b) => b.call('aten.rsub.Scalar', b.x([4]), 3, 2)],
  [
    'sums and products of bool',
    (b) => {
      const [x, y] = [b.x([6], 0, 1, 'bool'), b.x([6], 0, 1, 'bool')];
      return ['add.Tensor', 'mul.Tensor', 'maximum.default', 'minimum.default'].map((name) =>
        b.call(`aten.${name}`, x, y),
      );
    },
  ],
  ['add of integers and floats', (b) => b.call('aten.add.Tensor', b.x([4], -5, 5, 'int64'), b.x([3, 4]))],
  [
    'mul of bytes',
    (b) => b.call('aten.mul.Tensor', b.x([6], 0, 9, 'uint8'), b.x([6], 0, 9, 'uint8')),
    { withoutRuntime: [21] },
  ],
  [
    'remainder of negative numbers',
    (b) => b.call('aten.remainder.Tensor', b.x([20], -9, 9), b.x([20], -4, -1)),
  ],
  ['remainder of a number', (b) => b.call('aten.remainder.Scalar_Tensor', 7, b.x([9], -4, -1, 'int32'))],
  ...(['float32', 'int32'] as const).flatMap((dtype) =>
    ['floor', 'trunc', null].map((mode) => withMode(mode, dtype)),
  ),
  [
    'floor_divide',
    (b) =>
      b.call(
        'aten.floor_divide.default',
        b.of('float32', [1, -1, 7, 0.3]),
        b.of('float32', [0.1, 0.3, -2, 0.1]),
      ),
  ],
  ['floor_divide by a number', (b) => b.call('aten.floor_divide.Scalar', b.x([9], -9, 9, 'int64'), 4)],
  ...ofOne(
    ['maximum', 'minimum', 'fmax', 'fmin', 'atan2', 'hypot', 'logaddexp'].map((name) => `${name}.default`),
    (b, target) => b.call(target, b.x([3, 1, 4]), b.x([2, 4])),
  ),
  ['fmax with NaN', (b) => b.call('aten.fmax.default', b.of('float32', special), b.x([8]))],
  [
    'max.other and min.other',
    (b) => {
      const [x, y] = [b.x([4], -9, 9, 'int32'), b.x([4], -9, 9, 'int32')];
      return [b.call('aten.max.other', x, y), b.call('aten.min.other', x, y)];
    },
  ],
  ['pow of tensors', (b) => b.call('aten.pow.Tensor_Tensor', b.x([3, 4], 0.1, 2), b.x([4]))],
  [
    'pow with a number',
    (b) => [3, 0.5, -1, 2].map((n) => b.call('aten.pow.Tensor_Scalar', b.x([4], 0.1, 2), n)),
  ],
  ['pow of integers', (b) => b.call('aten.pow.Tensor_Scalar', b.x([6], -4, 4, 'int64'), 3)],
  ['pow of a number', (b) => b.call('aten.pow.Scalar', 2.5, b.x([4]))],
  ['copysign', (b) => b.call('aten.copysign.Tensor', b.x([4]), b.of('float32', [0, -0, 2, -3]))],
  ['xlogy', (b) => b.call('aten.xlogy.Tensor', b.of('float32', [0, 1, 2, 0]), b.of('float32', [0, 2, 3, 4]))],
  ['addcmul', (b) => b.with('aten.addcmul.default', [b.x([3, 4]), b.x([4]), b.x([3, 1])], { value: 0.5 })],
  [
    'addcdiv',
    (b) => b.with('aten.addcdiv.default', [b.x([3, 4]), b.x([4]), b.x([3, 1], 1, 2)], { value: 0.5 }),
  ],
  [
    'lerp',
    (b) => [
      b.call('aten.lerp.Scalar', b.x([4]), b.x([4]), 0.3),
      b.call('aten.lerp.Tensor', b.x([4]), b.x([4]), b.x([4], 0, 1)),
    ],
  ],
];

/** Functions of one element, and arithmetic. */
export const elementCases: readonly Case[] = [...functions, ...activations, ...arithmetic];
