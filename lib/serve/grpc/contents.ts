import type { Reader } from 'protobufjs';
import { Tensor } from '../../runtime/index.ts';
import { badRequest } from '../errors.ts';
import { type Datatype, datatypeOf } from '../inference/datatypes.ts';
import { tensorOfBytes } from '../inference/tensors.ts';
import type { InferTensorContents, Long } from './messages.ts';
import {
  eightBytes,
  fourBytes,
  packed,
  readMessage,
  sized,
  tagOf,
  varint,
  type WireType,
  wireTypes,
} from './wire.ts';

/** A list of `InferTensorContents`. */
interface List {
  readonly field: number;
  /** As the protobuf library writes it. */
  readonly key: string;
  readonly wireType: WireType;
  readonly read: (reader: Reader) => number | bigint;
}

const list = (field: number, key: string, wireType: WireType, read: List['read']): List => ({
  field,
  key,
  wireType,
  read,
});

function readBigInt(reader: Reader): bigint {
  const { low, high } = reader.int64();
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

const int = list(2, 'intContents', varint, (reader) => reader.int32());
const uint = list(4, 'uintContents', varint, (reader) => reader.uint32());

/** The list that has a datatype's elements; there is none for halves. */
const listOf: ReadonlyMap<string, List> = new Map([
  ['BOOL', list(1, 'boolContents', varint, (reader) => Number(reader.bool()))],
  ['INT8', int],
  ['INT16', int],
  ['INT32', int],
  ['INT64', list(3, 'int64Contents', varint, (reader) => readBigInt(reader))],
  ['UINT8', uint],
  ['UINT16', uint],
  ['FP32', list(6, 'fp32Contents', fourBytes, (reader) => reader.float())],
  ['FP64', list(7, 'fp64Contents', eightBytes, (reader) => reader.double())],
]);

/** By field. */
const names: readonly string[] = [
  ...['', 'bool_contents', 'int_contents', 'int64_contents', 'uint_contents', 'uint64_contents'],
  ...['fp32_contents', 'fp64_contents', 'bytes_contents'],
];

/** Whether a tensor's elements can be in a list; otherwise they are bytes. */
export const hasList = (tensor: Tensor): boolean => listOf.has(datatypeOf(tensor.dtype).name);

/**
 * A tensor from its list. Floats that lie aligned are used in place.
 * @param contents a message, or several that are read as one.
 * @param count how many elements the shape has.
 * @param where the input, for messages.
 * @throws ProtocolError when they are not as many, in the list of another datatype, or out of its range.
 */
export function readContents(
  contents: readonly Uint8Array[],
  datatype: Datatype,
  shape: readonly number[],
  count: number,
  where: string,
): Tensor {
  const list = listOf.get(datatype.name);
  if (!list) throw badRequest(`${where}: ${datatype.name} has no contents; send it in raw_input_contents`);
  const others = refuseOthers(list, `${where}.contents: ${datatype.name}`);
  // Before memory is taken for what has not been sent.
  const { sent, first } = measure(contents, list, others);
  if (sent !== count)
    throw badRequest(`${where}.contents.${names[list.field]} holds ${sent} elements, its shape ${count}`);
  if (first?.length === count * datatype.bytes) return tensorOfBytes(datatype, first, shape, where);
  const data = datatype.array(count);
  let next = 0;
  const read = (reader: Reader) => {
    const element = list.read(reader);
    data[next] = element;
    // What is out of range was cut off.
    if (!Object.is(data[next], element))
      throw badRequest(`${where}.contents: element ${next}, ${element}, is no ${datatype.name}`);
    next++;
  };
  for (const each of contents) readMessage(each, fieldsOf(list, read, packed(read)));
  return new Tensor(datatype.dtype, data, shape);
}

type Fields = Readonly<Record<number, (reader: Reader) => void>>;

/** Elements come one by one, or packed. */
const fieldsOf = ({ field, wireType }: List, one: Fields[0], many: Fields[0]): Fields => ({
  [tagOf(field, wireType)]: one,
  [tagOf(field, sized)]: many,
});

/** What reads any other list: an error. */
function refuseOthers({ field }: List, what: string): Fields {
  const refuse = (other: number) => () => {
    throw badRequest(`${what} is in ${names[field]}, not in ${names[other]}`);
  };
  const others = [...names.keys()].filter((other) => other > 0 && other !== field);
  return Object.fromEntries(
    others.flatMap((other) => wireTypes.map((wireType) => [tagOf(other, wireType), refuse(other)])),
  );
}

/** How many elements were sent; and, of floats, the first that were packed. */
function measure(contents: readonly Uint8Array[], list: List, others: Fields) {
  const { wireType } = list;
  let sent = 0;
  let first: Uint8Array | undefined;
  const one = (reader: Reader) => {
    reader.skipType(wireType);
    sent++;
  };
  const floats = (reader: Reader) => {
    const piece = reader.bytes();
    first ??= piece;
    sent += Math.floor(piece.length / (wireType === fourBytes ? 4 : 8));
  };
  const many = wireType === varint ? packed(one) : floats;
  for (const each of contents) readMessage(each, { ...others, ...fieldsOf(list, one, many) });
  return { sent, first };
}

/** A tensor's elements in the list of its datatype. */
export function contentsOf({ data, dtype }: Tensor): InferTensorContents {
  const { key } = listOf.get(datatypeOf(dtype).name)!;
  return { [key]: data instanceof BigInt64Array ? longsOf(data) : data };
}

/** Halves as memory has them in turn. */
function longsOf({ buffer, byteOffset, length }: BigInt64Array): Long[] {
  const halves = new Int32Array(buffer, byteOffset, 2 * length);
  return Array.from({ length }, (_, i) => ({ low: halves[2 * i], high: halves[2 * i + 1], unsigned: false }));
}
