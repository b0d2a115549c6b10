import type { DType, Tensor, TensorData } from '../../runtime/index.ts';

/** The stored form of an element in JSON; undefined for what the datatype does not have. */
type FromJson = (value: unknown) => number | bigint | undefined;

/** How a datatype of the Open Inference Protocol is stored here. */
export interface Datatype {
  readonly name: string;
  readonly dtype: DType;
  readonly bytes: number;
  /** Undefined where JSON has no elements: halves have only bytes. */
  readonly fromJson: FromJson | undefined;
  array(length: number): TensorData;
  view(buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData;
}

interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TensorData;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData;
}

/** JSON has neither NaN nor infinities, so a number that would become one is too large. */
const float =
  (round: (value: number) => number): FromJson =>
  (value) =>
    typeof value === 'number' && Number.isFinite(round(value)) ? value : undefined;

const integer =
  (least: number, most: number): FromJson =>
  (value) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most ? Number(value) : undefined;

/** JSON.parse has rounded larger ones, so they are not what was sent. */
const longInteger: FromJson = (value) => (Number.isSafeInteger(value) ? BigInt(Number(value)) : undefined);

const truth: FromJson = (value) =>
  [0, 1, false, true].includes(value as number) ? Number(value) : undefined;

const of = (name: string, dtype: DType, ArrayOf: ArrayType, fromJson?: FromJson): Datatype => ({
  name,
  dtype,
  bytes: ArrayOf.BYTES_PER_ELEMENT,
  fromJson,
  array: (length) => new ArrayOf(length),
  view: (buffer, byteOffset, length) => new ArrayOf(buffer, byteOffset, length),
});

/** The protocol's datatypes that tensors have. UINT32, UINT64 and BYTES have none. */
const datatypes: readonly Datatype[] = [
  of('FP32', 'float32', Float32Array, float(Math.fround)),
  of('FP64', 'float64', Float64Array, float(Number)),
  of('FP16', 'float16', Uint16Array),
  of('BF16', 'bfloat16', Uint16Array),
  of('INT8', 'int8', Int8Array, integer(-128, 127)),
  of('INT16', 'int16', Int16Array, integer(-32768, 32767)),
  of('INT32', 'int32', Int32Array, integer(-(2 ** 31), 2 ** 31 - 1)),
  of('INT64', 'int64', BigInt64Array, longInteger),
  of('UINT8', 'uint8', Uint8Array, integer(0, 255)),
  of('UINT16', 'uint16', Uint16Array, integer(0, 65535)),
  of('BOOL', 'bool', Uint8Array, truth),
];

const byName = new Map(datatypes.map((datatype) => [datatype.name, datatype]));
const byDType = new Map(datatypes.map((datatype) => [datatype.dtype, datatype]));

/** The datatype of that name; undefined if there is none, or no tensor has it. */
export const datatypeNamed = (name: string): Datatype | undefined => byName.get(name);

export const datatypeOf = (dtype: DType): Datatype => byDType.get(dtype)!;

/** All that the messages of a refused datatype list. */
export const datatypeNames = (): string => datatypes.map(({ name }) => name).join(', ');

/** A tensor's elements as bytes, little-endian as the protocol wants them, without a copy. */
export const bytesOf = ({ data }: Tensor): Buffer =>
  Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
