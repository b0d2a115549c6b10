/** Element types, named as PyTorch and NumPy name them. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'bool';

/** The arrays that store a tensor's elements. `bfloat16` and `float16` are stored as raw bits in a `Uint16Array`. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | BigInt64Array;

interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TensorData;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData;
}

const arrayTypes: Readonly<Record<DType, ArrayType>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
};

/** The TypedArray constructor for a dtype. */
export function arrayTypeOf(dtype: DType): ArrayType {
  return arrayTypes[dtype];
}

/** Bytes per element. */
export function byteSizeOf(dtype: DType): number {
  return arrayTypes[dtype].BYTES_PER_ELEMENT;
}

/** Whether `name` is one of Octavo's dtypes. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(arrayTypes, name);
}

/** Whether values of this dtype are floating point. */
export function isFloatingPoint(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16';
}

/** Integer types whose values are all exact as JavaScript numbers. */
export type IntegerDType = 'uint8' | 'int8' | 'uint16' | 'int16' | 'int32';

/** Smallest and largest value of an integer type, both included. */
export interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

const integerRanges: Readonly<Record<IntegerDType, IntegerRange>> = {
  uint8: { min: 0, max: 255 },
  int8: { min: -128, max: 127 },
  uint16: { min: 0, max: 65535 },
  int16: { min: -32768, max: 32767 },
  int32: { min: -(2 ** 31), max: 2 ** 31 - 1 },
};

/**
 * The range of an integer type (counterpart: `torch.iinfo`); undefined for `int64` and for types that are not integers.
 */
export function integerRange(dtype: IntegerDType): IntegerRange;
export function integerRange(dtype: DType): IntegerRange | undefined;
export function integerRange(dtype: DType): IntegerRange | undefined {
  return Object.hasOwn(integerRanges, dtype) ? integerRanges[dtype as IntegerDType] : undefined;
}

/** The step from 1 to the next float32: `torch.finfo(torch.float32).eps`. */
export const FLOAT32_EPSILON = 2 ** -23;
