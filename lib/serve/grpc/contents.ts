import type { Tensor, TensorData } from '../../runtime/index.ts';
import { badRequest } from '../errors.ts';
import { type Datatype, datatypeOf } from '../inference/datatypes.ts';
import type { InferTensorContents, Long } from './messages.ts';

type Field = keyof InferTensorContents;

/** The list that a datatype's elements stand in; halves have none. */
const fieldOf: Readonly<Record<string, Field>> = {
  BOOL: 'boolContents',
  INT8: 'intContents',
  INT16: 'intContents',
  INT32: 'intContents',
  INT64: 'int64Contents',
  UINT8: 'uintContents',
  UINT16: 'uintContents',
  FP32: 'fp32Contents',
  FP64: 'fp64Contents',
};

const fields: readonly Field[] = [
  ...(['boolContents', 'intContents', 'int64Contents', 'uintContents', 'uint64Contents'] as const),
  ...(['fp32Contents', 'fp64Contents', 'bytesContents'] as const),
];

/** As the protocol writes it: `int64_contents`. */
const nameOf = (field: Field): string => field.replace('C', '_c');

/** Whether a tensor's elements can be listed; otherwise they are bytes. */
export const canBeListed = (tensor: Tensor): boolean => datatypeOf(tensor.dtype).name in fieldOf;

/** Whether any elements are listed. */
export const isListed = (contents: InferTensorContents): boolean =>
  fields.some((field) => contents[field].length > 0);

/**
 * A tensor's elements from the lists of a message.
 * @param count how many the shape says.
 * @param where the input, for messages.
 * @throws ProtocolError when they are not as many, in the list of another datatype, or out of its range.
 */
export function readContents(
  contents: InferTensorContents,
  datatype: Datatype,
  count: number,
  where: string,
): TensorData {
  const field = fieldOf[datatype.name];
  if (!field) throw badRequest(`${where}: ${datatype.name} has no contents; send it in raw_input_contents`);
  const other = fields.find((each) => each !== field && contents[each].length > 0);
  if (other)
    throw badRequest(`${where}.contents: ${datatype.name} is in ${nameOf(field)}, not in ${nameOf(other)}`);
  // Before memory is taken for what has not been sent.
  if (contents[field].length !== count)
    throw badRequest(
      `${where}.contents.${nameOf(field)} holds ${contents[field].length} elements, its shape ${count}`,
    );
  const data = datatype.array(count);
  if (data instanceof BigInt64Array) copyHalves(contents.int64Contents, halvesOf(data));
  else if (data instanceof Float32Array || data instanceof Float64Array)
    data.set(contents[field] as ArrayLike<number>);
  else copyIntegers(contents[field] as ArrayLike<number | boolean>, data, datatype, where);
  return data;
}

/** Low and high halves of 64-bit integers, as memory has them in turn. */
const halvesOf = ({ buffer, byteOffset, length }: BigInt64Array): Int32Array =>
  new Int32Array(buffer, byteOffset, 2 * length);

function copyHalves(from: ArrayLike<Long>, to: Int32Array): void {
  for (let i = 0; i < from.length; i++) {
    to[2 * i] = from[i].low;
    to[2 * i + 1] = from[i].high;
  }
}

function copyIntegers(
  from: ArrayLike<number | boolean>,
  to: Exclude<TensorData, BigInt64Array>,
  { name }: Datatype,
  where: string,
): void {
  for (let i = 0; i < from.length; i++) {
    to[i] = Number(from[i]);
    // What is out of range was cut off.
    if (to[i] !== Number(from[i]))
      throw badRequest(`${where}.contents: element ${i}, ${String(from[i])}, is no ${name}`);
  }
}

/** A tensor's elements in the list of its datatype. */
export function contentsOf({ data, dtype }: Tensor): Partial<InferTensorContents> {
  const field = fieldOf[datatypeOf(dtype).name];
  if (data instanceof BigInt64Array) return { [field]: longsOf(halvesOf(data)) };
  return { [field]: dtype === 'bool' ? Array.from(data, Boolean) : data };
}

const longsOf = (halves: Int32Array): Long[] =>
  Array.from({ length: halves.length / 2 }, (_, i) => ({
    low: halves[2 * i],
    high: halves[2 * i + 1],
    unsigned: false,
  }));
