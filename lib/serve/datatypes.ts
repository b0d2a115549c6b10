import type { DType, Tensor, TensorData } from '../runtime/index.ts';

/** How a datatype of the Open Inference Protocol is stored here. */
export interface Datatype {
  readonly name: string;
  readonly dtype: DType;
  readonly bytes: number;
  readonly isInteger: boolean;
  array(length: number): TensorData;
  view(buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData;
}

interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TensorData;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData;
}

const of = (name: string, dtype: DType, ArrayOf: ArrayType, isInteger = true): Datatype => ({
  name,
  dtype,
  bytes: ArrayOf.BYTES_PER_ELEMENT,
  isInteger,
  array: (length) => new ArrayOf(length),
  view: (buffer, byteOffset, length) => new ArrayOf(buffer, byteOffset, length),
});

/** The protocol's datatypes that tensors have. UINT32, UINT64 and BYTES have none. */
const datatypes: readonly Datatype[] = [
  of('FP32', 'float32', Float32Array, false),
  of('FP64', 'float64', Float64Array, false),
  of('FP16', 'float16', Uint16Array, false),
  of('BF16', 'bfloat16', Uint16Array, false),
  of('INT8', 'int8', Int8Array),
  of('INT16', 'int16', Int16Array),
  of('INT32', 'int32', Int32Array),
  of('INT64', 'int64', BigInt64Array),
  of('UINT8', 'uint8', Uint8Array),
  of('UINT16', 'uint16', Uint16Array),
  of('BOOL', 'bool', Uint8Array),
];

const byName = new Map(datatypes.map((datatype) => [datatype.name, datatype]));
const byDType = new Map(datatypes.map((datatype) => [datatype.dtype, datatype]));

/** The datatype of that name; undefined if there is none, or no tensor has it. */
export const datatypeNamed = (name: string): Datatype | undefined => byName.get(name);

export const datatypeOf = (dtype: DType): Datatype => byDType.get(dtype)!;

/** Whether numbers of a datatype can be written in JSON; halves have only bytes. */
export const hasJsonNumbers = ({ dtype }: Datatype): boolean => dtype !== 'float16' && dtype !== 'bfloat16';

/** All that the messages of a refused datatype list. */
export const datatypeNames = (): string => datatypes.map(({ name }) => name).join(', ');

/** A tensor's elements as bytes, little-endian as the protocol wants them, without a copy. */
export const bytesOf = ({ data }: Tensor): Buffer =>
  Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
