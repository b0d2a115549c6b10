import type { Arguments, TensorMeta } from '../../graph/index.ts';
import type { Attributes } from '../../native/addon-types.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';
import {
  constantValues,
  type NativeDefinition,
  type OperatorDefinition,
  type Step,
  type TensorLike,
} from '../registry.ts';
import { floatType, resultType } from '../result-type.ts';
import {
  alsoNamed,
  broadcastOperands,
  elementwise,
  type Operand,
  operandOf,
  promotedOperand,
  withInPlaceTwin,
} from './elementwise.ts';

interface Operation {
  /** The operation's name in the native steps `binary` and `elementwise`. */
  readonly algorithm: string;
  /** The same with a number on the right, as the native step `eltwise`; `factor` is the operator's `alpha`. */
  readonly withNumber: (value: number, factor: number) => Attributes;
  /** The same with a number on the left. */
  readonly ofNumber: (value: number, factor: number) => Attributes;
  /** The sign of the factor of `other` (PyTorch: `alpha`); absent where the operator has none. */
  readonly sign?: 1 | -1;
  readonly isCommutative: boolean;
  /** The operation on truth values; absent where PyTorch has none. */
  readonly ofBools?: string;
  /** Whether integers become floats. */
  readonly isReal?: true;
}

/** `self * alpha + beta` */
const linear = (alpha: number, beta: number): Attributes => ({ algorithm: 'linear', alpha, beta });

const add: Operation = {
  algorithm: 'add',
  withNumber: (value, factor) => linear(1, value * factor),
  ofNumber: (value, factor) => linear(factor, value),
  sign: 1,
  isCommutative: true,
  ofBools: 'bitwise_or',
};
const sub: Operation = {
  algorithm: 'sub',
  withNumber: (value, factor) => linear(1, -value * factor),
  ofNumber: (value, factor) => linear(-factor, value),
  sign: -1,
  isCommutative: false,
};
const mul: Operation = {
  algorithm: 'mul',
  withNumber: (value) => linear(value, 0),
  ofNumber: (value) => linear(value, 0),
  isCommutative: true,
  ofBools: 'bitwise_and',
};
const div: Operation = {
  algorithm: 'div',
  withNumber: (value) => ({ algorithm: 'divide', alpha: value }),
  ofNumber: (value) => ({ algorithm: 'pow', alpha: value, beta: -1 }),
  isCommutative: false,
  isReal: true,
};

const max: Operation = {
  algorithm: 'max',
  withNumber: (value) => ({ algorithm: 'clip', alpha: value, beta: Infinity }),
  ofNumber: (value) => ({ algorithm: 'clip', alpha: value, beta: Infinity }),
  isCommutative: true,
  ofBools: 'max',
};
const min: Operation = {
  algorithm: 'min',
  withNumber: (value) => ({ algorithm: 'clip', alpha: -Infinity, beta: value }),
  ofNumber: (value) => ({ algorithm: 'clip', alpha: -Infinity, beta: value }),
  isCommutative: true,
  ofBools: 'min',
};

/** The dtype of the call's result. @throws Error for an operation that PyTorch does not have for the operands. */
function typeOf<T extends TensorLike | TensorMeta>(args: Arguments<T>, operation: Operation): DType {
  const { name } = args.schema;
  const operands = [args.tensor('self'), promotedOperand(args, 'other')];
  const dtype = resultType(operands, name);
  const hasBool = operands.some(
    (operand) => typeof operand === 'boolean' || (typeof operand !== 'number' && operand.dtype === 'bool'),
  );
  if (operation === sub && hasBool)
    throw new Error(`${name}: bool cannot be subtracted; use logical_xor or bitwise_not`);
  return operation.isReal ? floatType(dtype) : dtype;
}

/** What the fast loops of `binary` and `eltwise` compute in, and what they read as it. */
const computed: ReadonlySet<DType> = new Set(['float32', 'bfloat16']);
const readAsFloat: ReadonlySet<DType> = new Set([
  ...['float32', 'bfloat16', 'uint8', 'int8', 'uint16', 'int16', 'int32'],
] as DType[]);

/**
 * The number in a constant without dimensions, of a dtype that the fast loops do not read: float64 from numpy, integers.
 * The other operand keeps its own dtype.
 */
function numberIn(operand: TensorLike): number | undefined {
  if (operand.shape.length > 0 || !operand.data || computed.has(operand.dtype)) return undefined;
  if (operand.dtype === 'float16') return undefined;
  return Number(constantValues(operand, 'the number')[0]);
}

function binaryStep<T extends TensorLike>(args: Arguments<T>, operation: Operation): Step<T> {
  const alpha = operation.sign ? args.number('alpha') : 1;
  const dtype = typeOf(args, operation);
  const operands = [args.tensor('self'), operandOf(args, 'other')] as const;
  const fast = computed.has(dtype) ? fastStep(operation, alpha, ...operands) : undefined;
  return fast ?? typedStep(args.schema.name, operation, dtype, alpha, operands);
}

/** In the loops for float32 and bfloat16; undefined for operands that they do not read. */
function fastStep<T extends TensorLike>(
  operation: Operation,
  alpha: number,
  self: T,
  other: Operand<T>,
): Step<T> | undefined {
  const eltwise = (input: T, attributes: Attributes): Step<T> | undefined =>
    computed.has(input.dtype) ? { op: 'eltwise', inputs: [input], attributes } : undefined;
  if (typeof other === 'number') return eltwise(self, operation.withNumber(other, alpha));
  const [left, right] = [numberIn(self), numberIn(other)];
  if (right !== undefined) return eltwise(self, operation.withNumber(right, alpha));
  if (left !== undefined) return eltwise(other, operation.ofNumber(left, alpha));
  if (![self, other].every((operand) => readAsFloat.has(operand.dtype))) return undefined;
  const attributes = { algorithm: operation.algorithm, ...(alpha === 1 ? {} : { alpha }) };
  return { op: 'binary', inputs: [self, other], attributes };
}

/** In the loops for all dtypes. */
function typedStep<T extends TensorLike>(
  name: string,
  operation: Operation,
  dtype: DType,
  alpha: number,
  operands: readonly Operand<T>[],
): Step<T> {
  if (!isFloatingPoint(dtype) && !Number.isInteger(alpha))
    throw new Error(`${name}: alpha must be a whole number for a result of ${dtype}, got ${alpha}`);
  if (dtype === 'bool' && operation.ofBools && alpha !== 0)
    return elementwise(operation.ofBools, dtype, operands);
  if (alpha === 1) return elementwise(operation.algorithm, dtype, operands);
  return elementwise('add_scaled', dtype, operands, { alpha: alpha * operation.sign! });
}

function operator(schema: string, operation: Operation): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const operands = [args.tensor('self'), operandOf(args, 'other')];
      return { dtype: typeOf(args, operation), shape: broadcastOperands(operands, args.schema.name) };
    },
    samples: ['self', 'other'],
    step: (args) => binaryStep(args, operation),
    ...(operation.isCommutative ? { commutative: true } : {}),
  };
}

/** `.Tensor` and `.Scalar`, each with its in-place twin, under all of the operator's names. */
function binary(name: string, operation: Operation, ...others: readonly string[]): NativeDefinition[] {
  const tensorAlpha = operation.sign ? ', *, Scalar alpha=1' : '';
  const scalarAlpha = operation.sign ? ', Scalar alpha=1' : '';
  const both = [
    `aten::${name}.Tensor(Tensor self, Tensor other${tensorAlpha}) -> Tensor`,
    `aten::${name}.Scalar(Tensor self, Scalar other${scalarAlpha}) -> Tensor`,
  ].flatMap((schema) => withInPlaceTwin(operator(schema, operation)));
  return alsoNamed(both, name, ...others);
}

/** `other - self * alpha`: a subtraction whose operands changed places. */
function reversedSubtraction(overload: string, parameters: string): NativeDefinition {
  return {
    schema: `aten::rsub.${overload}(Tensor self, ${parameters}) -> Tensor`,
    infer: (args) => {
      const operands = [args.tensor('self'), operandOf(args, 'other')];
      return { dtype: typeOf(args, sub), shape: broadcastOperands(operands, args.schema.name) };
    },
    samples: ['self', 'other'],
    step: <T extends TensorLike>(args: Arguments<T>): Step<T> => {
      const [self, other, alpha] = [args.tensor('self'), operandOf(args, 'other'), args.number('alpha')];
      const dtype = typeOf(args, sub);
      if (typeof other === 'number' && computed.has(dtype) && computed.has(self.dtype))
        return { op: 'eltwise', inputs: [self], attributes: linear(-alpha, other) };
      const operands = [other, self];
      if (alpha === 1) return elementwise('sub', dtype, operands);
      return elementwise('add_scaled', dtype, operands, { alpha: -alpha });
    },
  };
}

/** Sums, products, quotients and extrema of two tensors, or of a tensor and a number, with broadcasting. */
export const arithmetic: readonly OperatorDefinition[] = [
  ...binary('add', add),
  ...binary('sub', sub, 'subtract'),
  ...binary('mul', mul, 'multiply'),
  ...binary('div', div, 'divide', 'true_divide'),
  operator('aten::maximum(Tensor self, Tensor other) -> Tensor', max),
  operator('aten::minimum(Tensor self, Tensor other) -> Tensor', min),
  operator('aten::max.other(Tensor self, Tensor other) -> Tensor', max),
  operator('aten::min.other(Tensor self, Tensor other) -> Tensor', min),
  reversedSubtraction('Tensor', 'Tensor other, *, Scalar alpha=1'),
  reversedSubtraction('Scalar', 'Scalar other, Scalar alpha=1'),
];
