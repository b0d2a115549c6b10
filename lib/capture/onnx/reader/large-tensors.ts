import type { ByteSource } from '../../../formats/byte-source.ts';
import { type Content, placeWorthKeeping } from '../../../formats/content.ts';

/**
 * A model's messages without the elements of its large initializers, which stay in the file:
 *
 *     ModelProto { graph { node …, initializer { dims, name, raw_data 9 MB }, … } }
 *     ⇒   ModelProto { graph { node …, initializer { dims, name }, … } }   and   raw_data: 9 MB at byte 4711
 */
export interface SparedModel {
  readonly bytes: Uint8Array;
  /** The elements by the number of the initializer. */
  readonly contents: ReadonlyMap<number, Content>;
}

/** Numbers of fields: of a model its graph, of a graph its initializers, of a tensor its elements. */
const [GRAPH, INITIALIZER, RAW_DATA] = [7, 5, 9];
/** The wire type of what has a length: strings, bytes, messages. */
const WITH_LENGTH = 2;
/** Bytes of the other wire types that do not say it themselves. */
const fixedLengths: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** Read at once: what stands between two large tensors is shorter. */
const WINDOW = 2 ** 14;

/**
 * Finds the elements of large initializers by the lengths that stand before everything.
 * @returns undefined where that is not possible, in files that are damaged or unusual: they are decoded as a whole.
 */
export function spareLargeTensors(file: ByteSource): SparedModel | undefined {
  const scanner = new Scanner(file);
  const contents = new Map<number, Content>();
  const model: Uint8Array[] = [];
  let graphs = 0;
  let initializers = 0;
  try {
    for (const field of scanner.fields(0, file.size)) {
      if (!isMessage(field, GRAPH)) {
        model.push(scanner.bytes(field.start, field.end));
        continue;
      }
      // Several would be merged, and initializers counted on.
      if (graphs++ > 0) return undefined;
      const graph: Uint8Array[] = [];
      for (const inner of scanner.fields(field.content, field.end)) {
        const number = initializers;
        if (isMessage(inner, INITIALIZER)) initializers++;
        const spared = isMessage(inner, INITIALIZER) ? spareElements(scanner, inner) : undefined;
        if (!spared) graph.push(scanner.bytes(inner.start, inner.end));
        else {
          graph.push(...message(INITIALIZER, spared.rest));
          contents.set(number, spared.content);
        }
      }
      model.push(...message(GRAPH, graph));
    }
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
  return contents.size > 0 ? { bytes: Buffer.concat(model), contents } : undefined;
}

/** A tensor's fields but its elements, if these are large. */
function spareElements(scanner: Scanner, tensor: Field) {
  if (!placeWorthKeeping(scanner.content(tensor))) return undefined;
  let content: Content | undefined;
  const rest: Uint8Array[] = [];
  for (const field of scanner.fields(tensor.content, tensor.end)) {
    const found = isMessage(field, RAW_DATA) ? scanner.content(field) : undefined;
    // Of two the second counts.
    if (found && content) throw new Unreadable();
    if (found && placeWorthKeeping(found)) content = found;
    else rest.push(scanner.bytes(field.start, field.end));
    // What is not spared here is decoded with everything else, so it must be small.
    if (!content && rest.length > MOST_FIELDS) return undefined;
  }
  return content && { content, rest };
}

/** Elements may be fields of their own, a number each. */
const MOST_FIELDS = 100;

class Unreadable extends Error {}

interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly start: number;
  /** Where it begins after the tag, and the length if there is one. */
  readonly content: number;
  readonly end: number;
}

const isMessage = ({ number, wireType }: Field, wanted: number) =>
  number === wanted && wireType === WITH_LENGTH;

/** A field with a length from the pieces of its content. */
function message(number: number, pieces: readonly Uint8Array[]): Uint8Array[] {
  const head = [(number << 3) | WITH_LENGTH];
  let rest = pieces.reduce((sum, { length }) => sum + length, 0);
  for (; rest >= 128; rest = Math.floor(rest / 128)) head.push((rest % 128) | 128);
  return [Uint8Array.from([...head, rest]), ...pieces];
}

/** Walks over the fields of messages in a file, of which a window is in memory. */
class Scanner {
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
