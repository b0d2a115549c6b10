import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { resultType } from '../result-type.ts';
import { broadcastOperands, elementwise, type Operand, operandOf, withInPlaceTwin } from './elementwise.ts';

/** A function of three operands; the argument `value` is a factor of the last two. */
function ofThree(
  schema: string,
  algorithm: string,
  names: readonly [string, string, string],
  ofIntegers: 'integers' | 'refused',
): NativeDefinition[] {
  const operandsOf = <T>(args: Arguments<T>) => names.map((name): Operand<T> => operandOf(args, name));
  const dtypeOf = <T extends TensorLike | TensorMeta>(args: Arguments<T>): DType => {
    const dtype = resultType(operandsOf(args), args.schema.name);
    if (ofIntegers === 'refused' && !isFloatingPoint(dtype))
      throw new Error(`${args.schema.name}: computing on ${dtype} is not supported; cast to float32`);
    return dtype;
  };
  return withInPlaceTwin({
    schema,
    infer: (args) => ({
      dtype: dtypeOf(args),
      shape: broadcastOperands(operandsOf(args), args.schema.name),
    }),
    samples: names,
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const hasValue = args.schema.arguments.some(({ name }) => name === 'value');
      const parameters = hasValue ? { alpha: args.number('value') } : {};
      return elementwise<T>(algorithm, dtypeOf(args), operandsOf(args), parameters);
    },
  });
}

const factors = ['self', 'tensor1', 'tensor2'] as const;
const ends = ['self', 'end', 'weight'] as const;
const value = 'Tensor tensor1, Tensor tensor2, *, Scalar value=1';

/** Functions of three operands that broadcast. */
export const ternary: readonly OperatorDefinition[] = [
  ...ofThree(`aten::addcmul(Tensor self, ${value}) -> Tensor`, 'add_product', factors, 'integers'),
  ...ofThree(`aten::addcdiv(Tensor self, ${value}) -> Tensor`, 'add_quotient', factors, 'refused'),
  ...ofThree('aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor', 'lerp', ends, 'refused'),
  ...ofThree('aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor', 'lerp', ends, 'refused'),
];
