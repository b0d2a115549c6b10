import type { Arguments, TensorMeta } from '../../graph/index.ts';
import { type DType, isFloatingPoint } from '../../tensor/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { floatType, resultType } from '../result-type.ts';
import {
  broadcastOperands,
  elementwise,
  type Operand,
  operandOf,
  promotedOperand,
  withInPlaceTwin,
} from './elementwise.ts';

/** How a function of two operands is computed: its native algorithm, and the dtype of its result. */
interface Computation {
  readonly algorithm: string;
  readonly dtype: DType;
}

/**
 * A function of two operands, either of which may be a number.
 * @param computation of the call, by the dtype that its operands promote to.
 */
function ofTwo(
  schema: string,
  computation: <T>(promoted: DType, args: Arguments<T>) => Computation,
  names: readonly [string, string] = ['self', 'other'],
): NativeDefinition {
  const computed = <T extends TensorLike | TensorMeta>(args: Arguments<T>): Computation => {
    const operands = names.map((name) => promotedOperand(args, name));
    return computation(resultType(operands, args.schema.name), args);
  };
  return {
    schema,
    infer: (args) => ({
      dtype: computed(args).dtype,
      shape: broadcastOperands(
        names.map((name) => operandOf(args, name)),
        args.schema.name,
      ),
    }),
    samples: names,
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const { algorithm, dtype } = computed(args);
      return elementwise<T>(
        algorithm,
        dtype,
        names.map((name): Operand<T> => operandOf(args, name)),
      );
    },
  };
}

/** A function whose result has the dtype that the operands promote to. */
const plain = (algorithm: string) => (dtype: DType) => ({ algorithm, dtype });
/** A function of real numbers: integers become floats. */
const real = (algorithm: string) => (dtype: DType) => ({ algorithm, dtype: floatType(dtype) });

/** Of a division with a rounding mode. @throws Error for a mode that PyTorch does not have. */
function roundedDivision<T>(dtype: DType, args: Arguments<T>): Computation {
  if (args.isNone('rounding_mode')) return { algorithm: 'div', dtype: floatType(dtype) };
  const mode = args.string('rounding_mode');
  if (mode === 'trunc') return { algorithm: 'trunc_divide', dtype };
  if (mode === 'floor') return { algorithm: 'floor_divide', dtype };
  throw new Error(`${args.schema.name}: rounding_mode must be None, 'trunc' or 'floor', got '${mode}'`);
}

/** @throws Error for a whole negative exponent of integers, which PyTorch refuses. */
function powerOfIntegers<T>(dtype: DType, args: Arguments<T>): Computation {
  const exponent = args.raw('exponent');
  if (typeof exponent === 'number' && exponent < 0 && !isFloatingPoint(dtype))
    throw new Error(`${args.schema.name}: integers cannot be raised to the negative power ${exponent}`);
  return { algorithm: 'power', dtype };
}

const tensorAndScalar = (name: string, computation: Parameters<typeof ofTwo>[1], rest = '') =>
  [
    `aten::${name}.Tensor${rest ? '_mode' : ''}(Tensor self, Tensor other${rest}) -> Tensor`,
    `aten::${name}.Scalar${rest ? '_mode' : ''}(Tensor self, Scalar other${rest}) -> Tensor`,
  ].flatMap((schema) => withInPlaceTwin(ofTwo(schema, computation)));

const powerNames = ['self', 'exponent'] as const;

/** oneDNN computes the power of a float with a number as exponent. */
function powerOfNumber(schema: string): NativeDefinition {
  const typed = ofTwo(schema, powerOfIntegers, powerNames);
  return {
    ...typed,
    step: <T extends TensorLike>(args: Arguments<T>) => {
      const self = args.tensor('self');
      if (self.dtype !== 'float32' && self.dtype !== 'bfloat16') return typed.step(args);
      const attributes = { algorithm: 'pow', alpha: 1, beta: args.number('exponent') };
      return { op: 'eltwise', inputs: [self], attributes };
    },
  };
}

/** Roundings of quotients, remainders, powers, and other functions of two operands. */
export const binaryFunctions: readonly OperatorDefinition[] = [
  ...tensorAndScalar('div', roundedDivision, ', *, str? rounding_mode'),
  ofTwo('aten::floor_divide(Tensor self, Tensor other) -> Tensor', plain('floor_divide')),
  ofTwo('aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor', plain('floor_divide')),
  ...tensorAndScalar('remainder', plain('remainder')),
  ofTwo('aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor', plain('remainder')),
  ...tensorAndScalar('fmod', plain('fmod')),
  ofTwo('aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor', powerOfIntegers, powerNames),
  powerOfNumber('aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor'),
  ofTwo('aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor', powerOfIntegers, powerNames),
  ofTwo('aten::fmax(Tensor self, Tensor other) -> Tensor', plain('fmax')),
  ofTwo('aten::fmin(Tensor self, Tensor other) -> Tensor', plain('fmin')),
  ofTwo('aten::atan2(Tensor self, Tensor other) -> Tensor', real('atan2')),
  ofTwo('aten::hypot(Tensor self, Tensor other) -> Tensor', plain('hypot')),
  ofTwo('aten::copysign.Tensor(Tensor self, Tensor other) -> Tensor', real('copysign')),
  ofTwo('aten::logaddexp(Tensor self, Tensor other) -> Tensor', plain('logaddexp')),
  ofTwo('aten::xlogy.Tensor(Tensor self, Tensor other) -> Tensor', real('xlogy')),
];
