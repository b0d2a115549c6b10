import { type Dim, SymInt } from '../../../../graph/index.ts';
import {
  arrayTypeOf,
  bfloat16ToFloat,
  type DType,
  floatToBfloat16,
  isFloatingPoint,
  Tensor,
} from '../../../../tensor/index.ts';
import { isModest } from '../graph-writer.ts';
import { ComputedValue, ConstantValue, type OnnxValue, SizesValue } from '../values.ts';

/**
 * A tensor whose elements are known, or are sizes. Booleans are 1 and 0. Of 64-bit integers beyond 2^53 the nearest
 * number is kept: they stand for "without an end".
 */
export interface Elements {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly Dim[];
}

/** The elements of a value; undefined where the model computes them. */
export function elementsOf(value: OnnxValue): Elements | undefined {
  if (value instanceof ComputedValue) return undefined;
  if (value instanceof SizesValue) return { dtype: value.dtype, shape: value.shape, values: value.elements };
  const { dtype, shape, data } = value.tensor;
  const array = dtype === 'bfloat16' ? bfloat16ToFloat(data as Uint16Array) : data;
  return { dtype, shape, values: Array.from(array as ArrayLike<number | bigint>, Number) };
}

/** The value that stands for elements: a constant, where none depends on sizes. */
export function valueFrom({ dtype, shape, values }: Elements, name: string): OnnxValue {
  if (values.some((value) => value instanceof SymInt)) return new SizesValue(dtype, shape, values);
  const numbers = values as readonly number[];
  if (dtype === 'bfloat16')
    return new ConstantValue(new Tensor(dtype, floatToBfloat16(numbers), shape), name);
  const data = new (arrayTypeOf(dtype))(values.length);
  if (dtype === 'int64') for (const [i, value] of numbers.entries()) data[i] = saturated(value);
  else (data as Float64Array).set(numbers);
  return new ConstantValue(new Tensor(dtype, data, shape), name);
}

function saturated(value: number): bigint {
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value) || 0);
}

/** A number as an element of that dtype: integers cut off, floats rounded. */
export function convert(value: Dim, dtype: DType): Dim {
  if (value instanceof SymInt) return value;
  if (dtype === 'bool') return Number(value !== 0);
  if (dtype === 'float64') return value;
  if (isFloatingPoint(dtype)) return Math.fround(value);
  if (dtype === 'int64') return Math.trunc(value);
  const box = new (arrayTypeOf(dtype))(1) as Int32Array;
  box[0] = value;
  return box[0];
}

/**
 * Checks that a result is of a size that may be computed.
 * @throws Error that names the size.
 */
export function checkModest(shape: readonly number[], source: number): void {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    throw new Error(`a constant of [${shape.join(', ')}] is not possible`);
  if (!isModest(shape, source)) throw new Error(`a constant of [${shape.join(', ')}] is too large`);
}

/** Calls `visit` with the indices of every element of a shape, in row-major order. */
export function forEachIndex(shape: readonly number[], visit: (index: readonly number[]) => void): void {
  if (shape.includes(0)) return;
  const index = shape.map(() => 0);
  for (;;) {
    visit(index);
    let axis = shape.length - 1;
    while (axis >= 0 && ++index[axis] === shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

/** Where an element is stored, of a tensor with these strides. */
export const offsetOf = (index: readonly number[], strides: readonly number[]): number =>
  index.reduce((at, i, axis) => at + i * strides[axis], 0);
