import { Tensor } from '../../runtime/index.ts';
import { badRequest, quote } from '../errors.ts';
import { type Datatype, datatypeNamed, datatypeNames } from './datatypes.ts';

/** More dimensions than any operator has. */
const highestRank = 32;

/**
 * The datatype that an input says it has.
 * @param where the input, for messages.
 * @throws ProtocolError when no tensor has it.
 */
export function datatypeIn(name: string, where: string): Datatype {
  const datatype = datatypeNamed(name);
  if (!datatype)
    throw badRequest(`${where}.datatype: no model takes ${quote(name)}; there are ${datatypeNames()}`);
  return datatype;
}

/**
 * How many elements a tensor of that shape has.
 * @param where the input, for messages.
 * @throws ProtocolError when there is no such shape, or no memory holds it.
 */
export function elementCount(shape: readonly unknown[], { bytes }: Datatype, where: string): number {
  if (shape.length > highestRank)
    throw badRequest(`${where}.shape has ${shape.length} dimensions; there are at most ${highestRank}`);
  if (!isShape(shape)) throw badRequest(`${where}.shape must hold whole numbers, none below 0`);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (!Number.isSafeInteger(count * bytes))
    throw badRequest(`${where}.shape: no memory holds [${shape.join(', ')}]`);
  return count;
}

const isShape = (shape: readonly unknown[]): shape is readonly number[] =>
  shape.every((extent) => Number.isSafeInteger(extent) && Number(extent) >= 0);

/**
 * A tensor of bytes as a client sent them, little-endian. They are used in place where they lie aligned for their datatype.
 * @param bytes as many as the shape says.
 * @throws ProtocolError for a byte of BOOL that is neither 0 nor 1.
 */
export function tensorOfBytes(
  datatype: Datatype,
  bytes: Uint8Array,
  shape: readonly number[],
  where: string,
): Tensor {
  if (datatype.dtype === 'bool' && bytes.some((byte) => byte > 1))
    throw badRequest(`${where}: a byte of BOOL is 0 or 1`);
  const { buffer, byteOffset } = bytes.byteOffset % datatype.bytes === 0 ? bytes : new Uint8Array(bytes);
  return new Tensor(datatype.dtype, datatype.view(buffer, byteOffset, bytes.length / datatype.bytes), shape);
}
