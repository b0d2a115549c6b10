import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { resultType } from '../result-type.ts';
import { alsoNamed, broadcastOperands, elementwise, operandOf, promotedOperand } from './elementwise.ts';

/** The operands of a call as `self` and `other`, compared in the dtype that they promote to. */
function comparedIn<T extends TensorLike | TensorMeta>(args: Arguments<T>) {
  return resultType([args.tensor('self'), promotedOperand(args, 'other')], args.schema.name);
}

/** A question about two operands: the result is bool. */
function question(schema: string, algorithm: string, commutative = false): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      comparedIn(args);
      const operands = [args.tensor('self'), operandOf(args, 'other')];
      return { dtype: 'bool', shape: broadcastOperands(operands, args.schema.name) };
    },
    samples: ['self', 'other'],
    step: <T extends TensorLike>(args: Arguments<T>) =>
      elementwise<T>(algorithm, comparedIn(args), [args.tensor('self'), operandOf(args, 'other')]),
    ...(commutative ? { commutative: true } : {}),
  };
}

/** `.Tensor` and `.Scalar`, under all of the operator's names. */
function comparison(name: string, ...others: readonly string[]): NativeDefinition[] {
  const commutative = name === 'eq' || name === 'ne';
  return alsoNamed(
    [
      question(`aten::${name}.Tensor(Tensor self, Tensor other) -> Tensor`, name, commutative),
      question(`aten::${name}.Scalar(Tensor self, Scalar other) -> Tensor`, name),
    ],
    name,
    ...others,
  );
}

/** A question about one tensor. */
function property(name: string): NativeDefinition {
  return {
    schema: `aten::${name}(Tensor self) -> Tensor`,
    infer: (args) => ({ dtype: 'bool', shape: args.tensor('self').shape }),
    samples: ['self'],
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const self = args.tensor('self');
      return elementwise<T>(name, self.dtype, [self]);
    },
  };
}

/** Comparisons, logic on truth values, and questions about single numbers: all of bool results. */
export const comparisons: readonly OperatorDefinition[] = [
  ...comparison('eq'),
  ...comparison('ne', 'not_equal'),
  ...comparison('lt', 'less'),
  ...comparison('le', 'less_equal'),
  ...comparison('gt', 'greater'),
  ...comparison('ge', 'greater_equal'),
  ...['logical_and', 'logical_or', 'logical_xor'].map((name) =>
    question(`aten::${name}(Tensor self, Tensor other) -> Tensor`, name, true),
  ),
  property('logical_not'),
  property('isnan'),
  property('isinf'),
  property('isposinf'),
  property('isneginf'),
  property('isfinite'),
  property('signbit'),
];
