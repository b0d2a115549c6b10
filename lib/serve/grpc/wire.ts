import { isUtf8 } from 'node:buffer';
import { createRequire } from 'node:module';
import type protobuf from 'protobufjs';
import { badRequest, ProtocolError } from '../errors.ts';

/** How protobuf's wire format stores a field's value: https://protobuf.dev/programming-guides/encoding/. */
export const varint = 0;
export const eightBytes = 1;
/** A string, bytes, a message, or a list of numbers that is packed. */
export const sized = 2;
export const fourBytes = 5;

export const wireTypes = [varint, eightBytes, sized, fourBytes] as const;
export type WireType = (typeof wireTypes)[number];

/** What stands before a value. */
export const tagOf = (field: number, wireType: WireType): number => (field << 3) | wireType;

type ReadField = (reader: protobuf.Reader) => void;

let library: typeof protobuf | undefined;

/** Loaded when the first service is made: a server that speaks REST alone starts sooner without it. */
export function protobufLibrary(): typeof protobuf {
  library ??= createRequire(import.meta.url)('protobufjs') as typeof protobuf;
  return library;
}

/**
 * Reads a message field by field. What has no tag in `fields` is skipped, as protobuf demands.
 * @throws ProtocolError when it is no such message, or what a field's reader throws.
 */
export function readMessage(bytes: Uint8Array, fields: Readonly<Record<number, ReadField>>): void {
  const reader = protobufLibrary().Reader.create(bytes);
  try {
    while (reader.pos < reader.len) {
      const tag = reader.tag();
      const read = fields[tag];
      if (read) read(reader);
      else reader.skipType(tag & 7, 0, tag >>> 3);
    }
  } catch (error) {
    throw error instanceof ProtocolError ? error : malformed(error as Error);
  }
}

export const malformed = ({ message }: Error): ProtocolError =>
  badRequest(`the request is not the protobuf message that it should be: ${message}`);

/** A list's elements, one behind the other. */
export const packed =
  (read: ReadField): ReadField =>
  (reader) => {
    const end = reader.size() + reader.pos;
    while (reader.pos < end) read(reader);
    if (reader.pos > end) throw new Error(`a list ends within an element, at ${end}`);
  };

/** The library would put other letters in place of what is none. @throws Error when it is no UTF-8. */
export function readString(reader: protobuf.Reader): string {
  const { buffer, byteOffset, length } = reader.bytes();
  const bytes = Buffer.from(buffer, byteOffset, length);
  if (!isUtf8(bytes)) throw new Error(`a string that ends at ${reader.pos} is no UTF-8`);
  return bytes.toString();
}

/** An int64 as a number; beyond 2^53 it is rounded. */
export function readInteger(reader: protobuf.Reader): number {
  const { low, high } = reader.int64();
  return high * 2 ** 32 + (low >>> 0);
}
