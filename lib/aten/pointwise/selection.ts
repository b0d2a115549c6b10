import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { resultType } from '../result-type.ts';
import {
  broadcastOperands,
  type Operand,
  operandOf,
  promotedOperand,
  withInPlaceTwin,
} from './elementwise.ts';

/** The native step `select`: an element of `a` where the condition holds, else of `b`. */
function select<T extends TensorLike>(condition: T, a: Operand<T>, b: Operand<T>): Step<T> {
  return {
    op: 'select',
    inputs: [condition, ...[a, b].filter((operand) => typeof operand !== 'number')],
    attributes: {
      ...(typeof a === 'number' ? { a } : {}),
      ...(typeof b === 'number' ? { b } : {}),
    },
  };
}

/** @throws Error for a condition that is no bool. */
function checkCondition({ dtype }: { readonly dtype: DType }, what: string, operator: string): void {
  if (dtype !== 'bool') throw new Error(`${operator}: the ${what} must be bool, got ${dtype}`);
}

function where(overload: string, parameters: string): NativeDefinition {
  return {
    schema: `aten::where.${overload}(Tensor condition, ${parameters}) -> Tensor`,
    infer: (args) => {
      const { name } = args.schema;
      checkCondition(args.tensor('condition'), 'condition', name);
      const values = ['self', 'other'].map((operand) => promotedOperand(args, operand));
      return {
        dtype: resultType(values, name),
        shape: broadcastOperands([args.tensor('condition'), ...values], name),
      };
    },
    samples: ['condition', 'self', 'other'],
    step: (args) => select(args.tensor('condition'), operandOf(args, 'self'), operandOf(args, 'other')),
  };
}

function maskedFill(overload: string, type: string): NativeDefinition[] {
  return withInPlaceTwin({
    schema: `aten::masked_fill.${overload}(Tensor self, Tensor mask, ${type} value) -> Tensor`,
    infer: (args: Arguments<TensorMeta>) => {
      const { name } = args.schema;
      const [self, mask] = [args.tensor('self'), args.tensor('mask')];
      checkCondition(mask, 'mask', name);
      const value = operandOf(args, 'value');
      if (typeof value !== 'number' && value.shape.length > 0)
        throw new Error(`${name}: the value must have no dimensions, got [${value.shape.join(', ')}]`);
      const given = resultType([promotedOperand(args, 'value')], name);
      if (isFloatingPoint(given) && !isFloatingPoint(self.dtype))
        throw new Error(`${name}: a value of ${given} cannot be written to a tensor of ${self.dtype}`);
      return { dtype: self.dtype, shape: broadcastOperands([self, mask], name) };
    },
    samples: ['self', 'mask'],
    step: (args) => select(args.tensor('mask'), operandOf(args, 'value'), args.tensor('self')),
  });
}

/** Operators that choose between elements by a condition. */
export const selections: readonly OperatorDefinition[] = [
  where('self', 'Tensor self, Tensor other'),
  where('ScalarSelf', 'Scalar self, Tensor other'),
  where('ScalarOther', 'Tensor self, Scalar other'),
  where('Scalar', 'Scalar self, Scalar other'),
  ...maskedFill('Scalar', 'Scalar'),
  ...maskedFill('Tensor', 'Tensor'),
];
