import type { Arguments } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition } from '../registry.ts';
import { type Algorithm, unary, unaryWithTwin } from './unary.ts';

const fast = () => true;

/** An activation that the native step `eltwise` has; PyTorch refuses integers. */
function activation(
  name: string,
  rest: string,
  algorithm: <T>(args: Arguments<T>) => Algorithm,
): NativeDefinition[] {
  return unaryWithTwin(name, rest, algorithm, { ofIntegers: 'refused', isFast: fast });
}

/** An activation that only the native step `elementwise` has. */
function typed(
  name: string,
  rest: string,
  algorithm: <T>(args: Arguments<T>) => Algorithm,
): NativeDefinition[] {
  return unaryWithTwin(name, rest, algorithm, { ofIntegers: 'refused' });
}

const named = (algorithm: string) => () => ({ algorithm });

function geluAlgorithm<T>(args: Arguments<T>): Algorithm {
  const approximate = args.string('approximate');
  if (approximate !== 'none' && approximate !== 'tanh')
    throw new Error(`aten.gelu: approximate must be 'none' or 'tanh', got '${approximate}'`);
  return { algorithm: approximate === 'tanh' ? 'gelu_tanh' : 'gelu_erf' };
}

const elu = (alpha: number, scale = 1, inputScale = 1): Algorithm => ({
  algorithm: 'elu',
  alpha,
  beta: scale,
  gamma: inputScale,
});

/** PyTorch's constants (Klambauer et al., 2017). */
const selu = elu(1.6732632423543772, 1.0507009873554805);

/** Nonlinear functions of networks (counterpart: `torch.nn.functional`'s activations). */
export const activations: readonly OperatorDefinition[] = [
  ...unaryWithTwin('relu', '', named('relu'), { ofIntegers: 'integers', isFast: fast }),
  ...activation('leaky_relu', ', Scalar negative_slope=0.01', (args) => ({
    algorithm: 'leaky_relu',
    alpha: args.number('negative_slope'),
  })),
  ...unaryWithTwin(
    'elu',
    ', Scalar alpha=1, Scalar scale=1, Scalar input_scale=1',
    (args) => elu(args.number('alpha'), args.number('scale'), args.number('input_scale')),
    { ofIntegers: 'refused', isFast: ({ beta, gamma }) => beta === 1 && gamma === 1 },
  ),
  ...typed('selu', '', () => selu),
  ...typed('celu', ', Scalar alpha=1.0', (args) => elu(args.number('alpha'), 1, 1 / args.number('alpha'))),
  ...activation('hardswish', '', named('hardswish')),
  ...activation('hardsigmoid', '', named('hardsigmoid')),
  ...activation('silu', '', () => ({ algorithm: 'swish', alpha: 1 })),
  ...activation('gelu', ', *, str approximate="none"', geluAlgorithm),
  ...activation('mish', '', named('mish')),
  unary(
    'aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor',
    (args) => ({ algorithm: 'softplus', alpha: args.number('beta'), beta: args.number('threshold') }),
    { ofIntegers: 'refused' },
  ),
  ...typed('threshold', ', Scalar threshold, Scalar value', (args) => ({
    algorithm: 'threshold',
    alpha: args.number('threshold'),
    beta: args.number('value'),
  })),
  unary('aten::log_sigmoid(Tensor self) -> Tensor', named('log_sigmoid'), { ofIntegers: 'refused' }),
  ...['hardshrink', 'softshrink'].map((name) =>
    unary(
      `aten::${name}(Tensor self, Scalar lambd=0.5) -> Tensor`,
      (args) => ({ algorithm: name, alpha: args.number('lambd') }),
      { ofIntegers: 'refused' },
    ),
  ),
];
