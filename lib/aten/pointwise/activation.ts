import type { Arguments } from '../../graph/index.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition } from '../registry.ts';
import { computedDtype } from '../shape-rules.ts';

interface Algorithm {
  readonly algorithm: string;
  readonly alpha?: number;
  readonly beta?: number;
}

/** These return integers for integers. Of the others in PyTorch, some do as well, and some return floats. */
const integerAlgorithms: readonly string[] = ['relu', 'clip'];

/** A pointwise function of the argument `self`, computed by the native step `eltwise`. */
function pointwise(schema: string, algorithm: <T>(args: Arguments<T>) => Algorithm): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      if (!isFloatingPoint(dtype) && !integerAlgorithms.includes(algorithm(args).algorithm))
        throw new Error(`${args.schema.name}: computing on ${dtype} is not supported; cast to float32`);
      return { dtype: computedDtype(dtype, args.schema.name), shape };
    },
    samples: ['self'],
    step: (args) => ({ op: 'eltwise', inputs: [args.tensor('self')], attributes: { ...algorithm(args) } }),
  };
}

/** The operator and its in-place twin. Capture has already made calls of the twin functional. */
function withInPlace(
  name: string,
  rest: string,
  algorithm: <T>(args: Arguments<T>) => Algorithm,
): NativeDefinition[] {
  return [
    pointwise(`aten::${name}(Tensor self${rest}) -> Tensor`, algorithm),
    pointwise(`aten::${name}_(Tensor(a!) self${rest}) -> Tensor(a!)`, algorithm),
  ];
}

const named = (algorithm: string) => () => ({ algorithm });

function geluAlgorithm<T>(args: Arguments<T>): Algorithm {
  const approximate = args.string('approximate');
  if (approximate !== 'none' && approximate !== 'tanh')
    throw new Error(`aten.gelu: approximate must be 'none' or 'tanh', got '${approximate}'`);
  return { algorithm: approximate === 'tanh' ? 'gelu_tanh' : 'gelu_erf' };
}

function clampAlgorithm<T>(args: Arguments<T>): Algorithm {
  const [low, high] = [args.optionalNumber('min'), args.optionalNumber('max')];
  if (low === null && high === null) throw new Error("aten.clamp: at least one of 'min' and 'max' is needed");
  return { algorithm: 'clip', alpha: low ?? -Infinity, beta: high ?? Infinity };
}

function eluAlgorithm<T>(args: Arguments<T>): Algorithm {
  if (args.number('scale') !== 1 || args.number('input_scale') !== 1)
    throw new Error("aten.elu: 'scale' and 'input_scale' other than 1 are not supported");
  return { algorithm: 'elu', alpha: args.number('alpha') };
}

/** Pointwise functions of one tensor (counterpart: `torch.nn.functional`'s activations and `torch`'s pointwise ops). */
export const activations: readonly OperatorDefinition[] = [
  ...withInPlace('relu', '', named('relu')),
  ...withInPlace('relu6', '', () => ({ algorithm: 'clip', alpha: 0, beta: 6 })),
  ...withInPlace('hardtanh', ', Scalar min_val=-1, Scalar max_val=1', (args) => ({
    algorithm: 'clip',
    alpha: args.number('min_val'),
    beta: args.number('max_val'),
  })),
  ...withInPlace('leaky_relu', ', Scalar negative_slope=0.01', (args) => ({
    algorithm: 'leaky_relu',
    alpha: args.number('negative_slope'),
  })),
  ...withInPlace('elu', ', Scalar alpha=1, Scalar scale=1, Scalar input_scale=1', eluAlgorithm),
  ...withInPlace('hardswish', '', named('hardswish')),
  ...withInPlace('hardsigmoid', '', named('hardsigmoid')),
  ...withInPlace('silu', '', () => ({ algorithm: 'swish', alpha: 1 })),
  ...withInPlace('gelu', ', *, str approximate="none"', geluAlgorithm),
  ...withInPlace('sigmoid', '', named('sigmoid')),
  ...withInPlace('tanh', '', named('tanh')),
  ...withInPlace('mish', '', named('mish')),
  ...withInPlace('exp', '', named('exp')),
  ...withInPlace('log', '', named('log')),
  ...withInPlace('abs', '', named('abs')),
  ...withInPlace('sqrt', '', named('sqrt')),
  ...withInPlace('rsqrt', '', () => ({ algorithm: 'pow', alpha: 1, beta: -0.5 })),
  ...withInPlace('reciprocal', '', () => ({ algorithm: 'pow', alpha: 1, beta: -1 })),
  ...withInPlace('square', '', () => ({ algorithm: 'pow', alpha: 1, beta: 2 })),
  ...withInPlace('neg', '', () => ({ algorithm: 'linear', alpha: -1, beta: 0 })),
  ...withInPlace('clamp', ', Scalar? min=None, Scalar? max=None', clampAlgorithm),
  pointwise('aten::clamp_min(Tensor self, Scalar min) -> Tensor', (args) => ({
    algorithm: 'clip',
    alpha: args.number('min'),
    beta: Infinity,
  })),
  pointwise('aten::clamp_max(Tensor self, Scalar max) -> Tensor', (args) => ({
    algorithm: 'clip',
    alpha: -Infinity,
    beta: args.number('max'),
  })),
  pointwise('aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor', (args) => ({
    algorithm: 'pow',
    alpha: 1,
    beta: args.number('exponent'),
  })),
];
