import type { Arguments } from '../../graph/index.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { withInPlaceTwin } from './elementwise.ts';
import { type Algorithm, unary, unaryWithTwin } from './unary.ts';

const fast = () => true;
const named = (algorithm: string) => () => ({ algorithm });

/** Functions of real numbers under their names in PyTorch: integers become floats. */
const realFunctions: readonly string[] = [
  ...['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'asinh', 'acosh', 'atanh', 'erf', 'erfc'],
  ...['exp2', 'expm1', 'log2', 'log10', 'log1p'],
];

/** Those that the native step `eltwise` has as well. */
const fastFunctions: readonly string[] = ['exp', 'log', 'sqrt', 'sigmoid', 'tanh'];

/** A function that leaves integers as they are: they are whole already, and none is NaN. */
function ofFloats(definition: NativeDefinition): NativeDefinition[] {
  return withInPlaceTwin({
    ...definition,
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const self = args.tensor('self');
      return isFloatingPoint(self.dtype)
        ? definition.step(args)
        : { op: 'copy', inputs: [self], attributes: {} };
    },
  });
}

const rounding = (name: string): NativeDefinition[] =>
  ofFloats(unary(`aten::${name}(Tensor self) -> Tensor`, named(name), { ofIntegers: 'integers' }));

function decimals<T>(args: Arguments<T>): Algorithm {
  const count = args.number('decimals');
  if (count === 0) return { algorithm: 'round' };
  return { algorithm: count < 0 ? 'round_to_multiples' : 'round_to_parts', alpha: 10 ** Math.abs(count) };
}

/** The largest and smallest numbers of the dtype stand for the infinities unless the call says otherwise. */
function nanToNumber<T>(args: Arguments<T>): Algorithm {
  const greatest = { float64: Number.MAX_VALUE, float16: 65504, bfloat16: 2 ** 127 * (2 - 2 ** -7) };
  const { dtype } = args.tensor('self') as TensorLike;
  const largest = greatest[dtype as keyof typeof greatest] ?? 2 ** 127 * (2 - 2 ** -23);
  return {
    algorithm: 'nan_to_num',
    alpha: args.optionalNumber('nan') ?? 0,
    beta: args.optionalNumber('posinf') ?? largest,
    gamma: args.optionalNumber('neginf') ?? -largest,
  };
}

/** Functions of one number (counterpart: `torch`'s pointwise operators). */
export const functions: readonly OperatorDefinition[] = [
  ...realFunctions.flatMap((name) => unaryWithTwin(name, '', named(name), { ofIntegers: 'floats' })),
  ...fastFunctions.flatMap((name) =>
    unaryWithTwin(name, '', named(name), { ofIntegers: 'floats', isFast: fast }),
  ),
  unary('aten::special_erf(Tensor self) -> Tensor', named('erf'), { ofIntegers: 'floats' }),
  ...unaryWithTwin('rsqrt', '', () => ({ algorithm: 'pow', alpha: 1, beta: -0.5 }), {
    ofIntegers: 'floats',
    isFast: fast,
  }),
  ...unaryWithTwin('reciprocal', '', () => ({ algorithm: 'pow', alpha: 1, beta: -1 }), {
    ofIntegers: 'floats',
    isFast: fast,
  }),
  ...unaryWithTwin('square', '', () => ({ algorithm: 'pow', alpha: 1, beta: 2 }), {
    ofIntegers: 'integers',
    isFast: fast,
    integerAlgorithm: 'square',
  }),
  ...unaryWithTwin('abs', '', named('abs'), { ofIntegers: 'integers', isFast: fast }),
  ...unaryWithTwin('neg', '', () => ({ algorithm: 'linear', alpha: -1, beta: 0 }), {
    ofIntegers: 'integers',
    isFast: fast,
    integerAlgorithm: 'neg',
  }),
  ...unaryWithTwin('sign', '', named('sign'), { ofIntegers: 'integers and bool' }),
  ...['floor', 'ceil', 'trunc', 'round'].flatMap(rounding),
  unary('aten::fix(Tensor self) -> Tensor', named('trunc'), { ofIntegers: 'refused' }),
  unary('aten::round.decimals(Tensor self, *, int decimals) -> Tensor', decimals, { ofIntegers: 'refused' }),
  ...unaryWithTwin('frac', '', named('frac'), { ofIntegers: 'refused' }),
  ...unaryWithTwin(
    'logit',
    ', float? eps=None',
    (args) => ({ algorithm: 'logit', alpha: args.optionalNumber('eps') ?? -1 }),
    { ofIntegers: 'floats' },
  ),
  ...ofFloats(
    unary(
      'aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor',
      nanToNumber,
      { ofIntegers: 'integers and bool' },
    ),
  ),
];
