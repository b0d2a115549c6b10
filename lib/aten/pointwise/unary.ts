import type { Arguments } from '../../graph/index.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, TensorLike } from '../registry.ts';
import { floatType } from '../result-type.ts';
import { elementwise, withInPlaceTwin } from './elementwise.ts';

/** A function as the native steps name it, with its numbers. */
export interface Algorithm {
  readonly algorithm: string;
  readonly alpha?: number;
  readonly beta?: number;
  readonly gamma?: number;
}

/** What a function returns for integers and bool: floats, or the same dtype, or PyTorch refuses them. */
export type OfIntegers = 'floats' | 'integers' | 'integers and bool' | 'refused';

export interface UnaryTraits {
  readonly ofIntegers: OfIntegers;
  /** Whether the native step `eltwise` has the function as well: it is faster, for float32 and bfloat16. */
  readonly isFast?: (algorithm: Algorithm) => boolean;
  /** The function under another name for integers. */
  readonly integerAlgorithm?: string;
}

/** A pointwise function of the argument `self`. */
export function unary(
  schema: string,
  algorithm: <T>(args: Arguments<T>) => Algorithm,
  { ofIntegers, isFast, integerAlgorithm }: UnaryTraits,
): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      algorithm(args);
      if (ofIntegers === 'refused' ? !isFloatingPoint(dtype) : ofIntegers === 'integers' && dtype === 'bool')
        throw new Error(`${args.schema.name}: computing on ${dtype} is not supported; cast to float32`);
      return { dtype: ofIntegers.startsWith('integers') ? dtype : floatType(dtype), shape };
    },
    samples: ['self'],
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const self = args.tensor('self');
      const { algorithm: name, ...numbers } = algorithm(args);
      if (
        (self.dtype === 'float32' || self.dtype === 'bfloat16') &&
        isFast?.({ algorithm: name, ...numbers })
      )
        return { op: 'eltwise', inputs: [self], attributes: { algorithm: name, ...numbers } };
      if (isFloatingPoint(self.dtype) || ofIntegers === 'floats')
        return elementwise<T>(name, floatType(self.dtype), [self], numbers);
      return elementwise<T>(integerAlgorithm ?? name, self.dtype, [self], numbers);
    },
  };
}

/** The operator and its in-place twin, of `aten::NAME(Tensor self...) -> Tensor`. */
export function unaryWithTwin(
  name: string,
  rest: string,
  algorithm: <T>(args: Arguments<T>) => Algorithm,
  traits: UnaryTraits,
): NativeDefinition[] {
  return withInPlaceTwin(unary(`aten::${name}(Tensor self${rest}) -> Tensor`, algorithm, traits));
}
