import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { resultType } from '../result-type.ts';
import {
  broadcastOperands,
  elementwise,
  type Operand,
  operandOf,
  promotedOperand,
  withInPlaceTwin,
} from './elementwise.ts';

/** The dtype of a call's result. @throws Error for floats, which have no bits to operate on in PyTorch. */
function bitsType<T extends TensorLike | TensorMeta>(args: Arguments<T>, operands: readonly string[]) {
  const dtype = resultType(
    operands.map((name) => promotedOperand(args, name)),
    args.schema.name,
  );
  if (isFloatingPoint(dtype))
    throw new Error(`${args.schema.name}: bits are of integers and bool, got ${dtype}`);
  return dtype;
}

function bitwise(schema: string, algorithm: string, commutative = false): NativeDefinition {
  const names = ['self', 'other'];
  return {
    schema,
    infer: (args) => ({
      dtype: bitsType(args, names),
      shape: broadcastOperands(
        names.map((name) => operandOf(args, name)),
        args.schema.name,
      ),
    }),
    samples: names,
    step: <T extends TensorLike>(args: Arguments<T>) =>
      elementwise<T>(
        algorithm,
        bitsType(args, names),
        names.map((name): Operand<T> => operandOf(args, name)),
      ),
    ...(commutative ? { commutative: true } : {}),
  };
}

function logic(name: string): NativeDefinition[] {
  return [
    ...withInPlaceTwin(bitwise(`aten::${name}.Tensor(Tensor self, Tensor other) -> Tensor`, name, true)),
    ...withInPlaceTwin(bitwise(`aten::${name}.Scalar(Tensor self, Scalar other) -> Tensor`, name)),
    bitwise(`aten::${name}.Scalar_Tensor(Scalar self, Tensor other) -> Tensor`, name),
  ];
}

function shift(name: string, algorithm: string): NativeDefinition[] {
  return [
    bitwise(`aten::${name}.Tensor(Tensor self, Tensor other) -> Tensor`, algorithm),
    bitwise(`aten::${name}.Tensor_Scalar(Tensor self, Scalar other) -> Tensor`, algorithm),
  ];
}

/** Operations on the bits of integers, and on truth values. */
export const bitwiseOperators: readonly OperatorDefinition[] = [
  ...logic('bitwise_and'),
  ...logic('bitwise_or'),
  ...logic('bitwise_xor'),
  ...shift('bitwise_left_shift', 'shift_left'),
  ...shift('bitwise_right_shift', 'shift_right'),
  ...withInPlaceTwin({
    schema: 'aten::bitwise_not(Tensor self) -> Tensor',
    infer: (args) => ({ dtype: bitsType(args, ['self']), shape: args.tensor('self').shape }),
    samples: ['self'],
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const self = args.tensor('self');
      return elementwise<T>(self.dtype === 'bool' ? 'logical_not' : 'bitwise_not', self.dtype, [self]);
    },
  }),
];
