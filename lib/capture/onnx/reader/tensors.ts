import { type Content, type FileTensors, placeWorthKeeping } from '../../../formats/content.ts';
import { arrayTypeOf, byteSizeOf, type DType, numelOf, Tensor } from '../../../tensor/index.ts';
import { dtypeOfOnnx, onnxTypeName } from '../dtype.ts';
import { bigIntOf, numberOf, type SparseTensorMessage, type TensorMessage } from './messages.ts';

/** Where the elements of tensors are. */
export interface TensorContents {
  /** The bytes of a tensor's elements; undefined where these are in a typed field. */
  contentOf(tensor: TensorMessage): Content | undefined;
  /** Makes tensors whose elements stay in their file. */
  readonly inFile: FileTensors;
}

const [UINT32, UINT64, UINT4, INT4] = [12, 13, 21, 22];

/**
 * The tensor of a message. float16 becomes float32, in which Octavo computes; unsigned 32-bit and 64-bit integers become
 * int64; 4-bit integers become 8-bit ones.
 * @throws Error that names the tensor: of an element type that Octavo does not have, or of other bytes than its shape needs.
 */
export function readTensor(message: TensorMessage, contents: TensorContents): Tensor {
  const what = `the tensor '${message.name}'`;
  const shape = message.dims.map((dim) => extent(numberOf(dim), what));
  const count = numelOf(shape);
  const content = contents.contentOf(message);
  const type = message.dataType;
  if (type === UINT4 || type === INT4) return fourBits(message, content?.read(), shape, what);
  if (type === UINT32 || type === UINT64) return unsigned(message, content?.read(), shape, what);
  const dtype = dtypeOfOnnx(type);
  if (!dtype) throw new Error(`${what} is of ${onnxTypeName(type)}, which Octavo does not have`);
  if (content) {
    expectCount(content.length, count * byteSizeOf(dtype), 'bytes', shape, what);
    const place = dtype === 'float16' ? undefined : placeWorthKeeping(content);
    if (place) return contents.inFile.tensor(dtype, shape, place);
    return asComputed(Tensor.fromBytes(dtype, content.read(), shape));
  }
  const fields = typedField(message, dtype);
  expectCount(fields.length, count, 'elements', shape, what);
  const data = new (arrayTypeOf(dtype))(count);
  if (dtype === 'int64') for (const [i, value] of message.int64Data.entries()) data[i] = bigIntOf(value);
  else (data as Float64Array).set(fields as readonly number[]);
  return asComputed(new Tensor(dtype, data, shape));
}

/**
 * A tensor of which a file stores the elements that are not zero.
 * @throws Error as {@link readTensor} does, and when an index is outside.
 */
export function readSparseTensor(message: SparseTensorMessage, contents: TensorContents): Tensor {
  const name = message.values?.name ?? '';
  const what = `the sparse tensor '${name}'`;
  if (!message.values || !message.indices) throw new Error(`${what} has no values or no indices`);
  const values = readTensor(message.values, contents);
  const indices = readTensor(message.indices, contents);
  const shape = message.dims.map((dim) => extent(numberOf(dim), what));
  if (numelOf(shape) > 2 ** 28) throw new Error(`${what} of [${shape.join(', ')}] is too large`);
  const dense = Tensor.zeros(values.dtype, shape);
  const rank = indices.shape.length === 2 ? shape.length : 1;
  for (let i = 0; i < values.numel; i++) {
    const index = Array.from({ length: rank }, (_, axis) => Number(indices.data[i * rank + axis]));
    const at = rank === 1 ? index[0] : index.reduce((sum, each, axis) => sum * shape[axis] + each, 0);
    const isInside =
      at >= 0 &&
      at < dense.numel &&
      (rank === 1 || index.every((each, axis) => each >= 0 && each < shape[axis]));
    if (!isInside)
      throw new Error(`${what} has an element at [${index.join(', ')}], outside of [${shape.join(', ')}]`);
    dense.data[at] = values.data[i];
  }
  return dense;
}

/** A size in the file. */
function extent(size: number, what: string): number {
  if (!Number.isSafeInteger(size) || size < 0) throw new Error(`${what} has an extent of ${size}`);
  return size;
}

function expectCount(
  got: number,
  needed: number,
  unit: string,
  shape: readonly number[],
  what: string,
): void {
  if (got !== needed)
    throw new Error(`${what} of [${shape.join(', ')}] needs ${needed} ${unit}, but the file has ${got}`);
}

function typedField(message: TensorMessage, dtype: DType): ArrayLike<unknown> {
  if (dtype === 'float32') return message.floatData;
  if (dtype === 'float64') return message.doubleData;
  return dtype === 'int64' ? message.int64Data : message.int32Data;
}

/** Tensors that a file has in 4 bits: what is quantized by such a zero point has no more. */
const ofFourBits = new WeakSet<Tensor>();

/** Whether the elements have 4 bits in the file. */
export const hasFourBits = (tensor: Tensor): boolean => ofFourBits.has(tensor);

/** Two elements a byte, the first in the lower half. */
function fourBits(
  message: TensorMessage,
  bytes: Uint8Array | undefined,
  shape: readonly number[],
  what: string,
): Tensor {
  const count = numelOf(shape);
  const packed = bytes ?? Uint8Array.from(message.int32Data);
  expectCount(packed.length, Math.ceil(count / 2), 'bytes', shape, what);
  const isSigned = message.dataType === INT4;
  const data = isSigned ? new Int8Array(count) : new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const half = i % 2 === 0 ? packed[i >> 1] & 15 : packed[i >> 1] >> 4;
    data[i] = isSigned && half > 7 ? half - 16 : half;
  }
  const tensor = new Tensor(isSigned ? 'int8' : 'uint8', data, shape);
  ofFourBits.add(tensor);
  return tensor;
}

function unsigned(
  message: TensorMessage,
  bytes: Uint8Array | undefined,
  shape: readonly number[],
  what: string,
): Tensor {
  const count = numelOf(shape);
  const isWide = message.dataType === UINT64;
  const data = new BigInt64Array(count);
  if (bytes) {
    const size = isWide ? 8 : 4;
    expectCount(bytes.byteLength, count * size, 'bytes', shape, what);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < count; i++)
      data[i] = isWide ? view.getBigInt64(8 * i, true) : BigInt(view.getUint32(4 * i, true));
  } else {
    expectCount(message.uint64Data.length, count, 'elements', shape, what);
    for (const [i, value] of message.uint64Data.entries()) data[i] = bigIntOf(value);
  }
  if (isWide && data.some((value) => value < 0n))
    throw new Error(`${what} has an element of 2^63 or more, which Octavo has no type for`);
  return new Tensor('int64', data, shape);
}

/** float16 as float32. */
function asComputed(tensor: Tensor): Tensor {
  if (tensor.dtype !== 'float16') return tensor;
  return new Tensor('float32', Float32Array.from(tensor.data as Uint16Array, halfToFloat), tensor.shape);
}

/** The value of a float16 (IEEE 754 binary16) by its bits. */
export function halfToFloat(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
