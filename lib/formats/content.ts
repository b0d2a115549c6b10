import type { DType, Tensor } from '../tensor/index.ts';
import type { FilePlace } from './byte-source.ts';

/** The bytes of one thing in a file, such as an entry of an archive, before they are read. */
export interface Content {
  readonly length: number;
  /** @throws Error that names the file, and what in it is damaged. */
  read(): Uint8Array;
  /** Where the bytes are as they are needed; undefined for what is in memory, or compressed. */
  readonly place?: FilePlace | undefined;
}

/** Makes tensors whose elements stay in an open file until they are needed. */
export interface FileTensors {
  tensor(dtype: DType, shape: readonly number[], place: FilePlace): Tensor;
}

/**
 * Smaller contents are read at once: there are many, they are what is looked at when a graph is made, and all of a model's
 * take little memory.
 */
const LEAST_LEFT = 2 ** 16;

/** Where the bytes of a content are, if they are worth leaving in the file. */
export function placeWorthKeeping({ length, place }: Content): FilePlace | undefined {
  return length >= LEAST_LEFT ? place : undefined;
}
