import type { Dim } from '../graph/index.ts';
import { type DType, isFloatingPoint } from '../tensor/index.ts';

/** The dtype that PyTorch computes in where nothing else is said (`torch.get_default_dtype`). */
export const DEFAULT_FLOAT: DType = 'float32';

/** A tensor as far as type promotion looks at it. */
interface Typed {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** What type promotion looks at: tensors, and numbers and truth values that stand in a call. */
export type Promoted = Typed | number | boolean;

const signedIntegers: readonly DType[] = ['int8', 'int16', 'int32', 'int64'];

/**
 * The dtype that two dtypes promote to (`torch.promote_types`).
 * @throws Error for uint16 with another integer, which PyTorch does not promote either.
 */
export function promoteDtypes(a: DType, b: DType, operator: string): DType {
  if (a === b) return a;
  if (isFloatingPoint(a) || isFloatingPoint(b)) {
    if (!isFloatingPoint(b)) return a;
    if (!isFloatingPoint(a)) return b;
    // float16 and bfloat16 hold different numbers.
    return a === 'float64' || b === 'float64' ? 'float64' : 'float32';
  }
  if (a === 'bool') return b;
  if (b === 'bool') return a;
  if (a === 'uint16' || b === 'uint16')
    throw new Error(`${operator}: ${a} and ${b} have no common dtype in PyTorch; cast one of them`);
  if (a === 'uint8' || b === 'uint8') {
    const other = a === 'uint8' ? b : a;
    return other === 'int8' ? 'int16' : other;
  }
  return signedIntegers[Math.max(signedIntegers.indexOf(a), signedIntegers.indexOf(b))];
}

/** Kinds of numbers, each of which holds those before. */
const kindOf = (dtype: DType): number => (dtype === 'bool' ? 0 : isFloatingPoint(dtype) ? 2 : 1);

/**
 * The dtype of arithmetic on several operands (`torch.result_type`). Tensors that have dimensions decide; those that
 * have none, and then numbers, widen the result only to another kind: from bool to integer to floating point.
 * A whole number counts as an integer: readers of programs cast where Python's number was a float.
 * @throws Error as {@link promoteDtypes} does.
 */
export function resultType(operands: readonly Promoted[], operator: string): DType {
  const ranks: DType[][] = [[], [], []];
  for (const operand of operands) {
    if (typeof operand === 'boolean') ranks[2].push('bool');
    else if (typeof operand === 'number') ranks[2].push(Number.isInteger(operand) ? 'int64' : DEFAULT_FLOAT);
    else ranks[operand.shape.length > 0 ? 0 : 1].push(operand.dtype);
  }
  const promoted = ranks
    .filter((dtypes) => dtypes.length > 0)
    .map((dtypes) => dtypes.reduce((a, b) => promoteDtypes(a, b, operator)));
  return promoted.reduceRight((lower, higher) => (kindOf(lower) > kindOf(higher) ? lower : higher));
}

/** The dtype that a function of real numbers returns for an operand's: integers become floats. */
export function floatType(dtype: DType): DType {
  return isFloatingPoint(dtype) ? dtype : DEFAULT_FLOAT;
}

/** The dtype that a native step computes in: 16-bit floats are computed as float32, as PyTorch does on CPUs. */
export function computeType(dtype: DType): DType {
  return dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype;
}

/**
 * Checks that an in-place operator may write its result to a tensor (`torch.can_cast`).
 * @throws Error if the result is of a wider kind: a float cannot be written to integers.
 */
export function checkWritable(result: DType, self: DType, operator: string): void {
  if (kindOf(result) <= kindOf(self)) return;
  throw new Error(`${operator}: a result of ${result} cannot be written to a tensor of ${self}`);
}
