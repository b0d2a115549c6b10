import type { ByteSource } from '../../formats/byte-source.ts';
import type { Content } from '../../formats/content.ts';

/** Number of the field that is a model's graph. */
export const GRAPH = 7;
/** The wire type of what has a length: strings, bytes, messages. */
const WITH_LENGTH = 2;
/** Bytes of the other wire types that do not say it themselves. */
const fixedLengths: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** Read at once: what stands between two large tensors is shorter. */
const WINDOW = 2 ** 14;

/** Thrown where bytes are no fields. */
export class Unreadable extends Error {}

/** A field of a message, by places in the file. */
export interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly start: number;
  /** Where it begins after the tag, and the length if there is one. */
  readonly content: number;
  readonly end: number;
}

/** Whether a field is of that number, and has a length. */
export const isMessage = ({ number, wireType }: Field, wanted: number) =>
  number === wanted && wireType === WITH_LENGTH;

/** A field with a length from the pieces of its content. */
export function message(number: number, pieces: readonly Uint8Array[]): Uint8Array[] {
  const head = [(number << 3) | WITH_LENGTH];
  let rest = pieces.reduce((sum, { length }) => sum + length, 0);
  for (; rest >= 128; rest = Math.floor(rest / 128)) head.push((rest % 128) | 128);
  return [Uint8Array.from([...head, rest]), ...pieces];
}

/** Walks over the fields of messages in a file, of which a window is in memory. */
export class Scanner {
  readonly #file: ByteSource;
  #window = new Uint8Array(0);
  #windowStart = 0;

  constructor(file: ByteSource) {
    this.#file = file;
  }

  /** @throws Unreadable where the bytes are no fields. */
  *fields(begin: number, end: number): Generator<Field> {
    for (let start = begin; start < end; ) {
      const tag = this.#varint(start);
      const [number, wireType] = [Math.floor(tag.value / 8), tag.value % 8];
      let { after: content } = tag;
      let length = fixedLengths[wireType];
      if (wireType === 0) length = this.#varint(content).after - content;
      else if (wireType === WITH_LENGTH) {
        const said = this.#varint(content);
        content = said.after;
        length = said.value;
      }
      if (length === undefined || content + length > end || number === 0) throw new Unreadable();
      yield { number, wireType, start, content, end: content + length };
      start = content + length;
    }
  }

  bytes(begin: number, end: number): Uint8Array {
    return this.#file.read(begin, end - begin);
  }

  content({ content, end }: Field): Content {
    const length = end - content;
    return { length, read: () => this.#file.read(content, length), place: this.#file.place(content) };
  }

  #varint(at: number): { readonly value: number; readonly after: number } {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = this.#byte(at + i);
      value += (byte & 127) * 128 ** i;
      if (byte < 128 && Number.isSafeInteger(value)) return { value, after: at + i + 1 };
    }
    // Negative numbers have ten bytes; they are no lengths, and no tags.
    for (let i = 8; i < 10; i++)
      if (this.#byte(at + i) < 128) return { value: Number.NaN, after: at + i + 1 };
    throw new Unreadable();
  }

  #byte(at: number): number {
    if (at < this.#windowStart || at >= this.#windowStart + this.#window.length) {
      this.#window = this.#file.read(at, WINDOW) as Uint8Array<ArrayBuffer>;
      this.#windowStart = at;
      if (this.#window.length === 0) throw new Unreadable();
    }
    return this.#window[at - this.#windowStart];
  }
}
