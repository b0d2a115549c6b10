import type { ByteSource } from '../../../formats/byte-source.ts';
import { type Content, placeWorthKeeping } from '../../../formats/content.ts';
import { type Field, GRAPH, isMessage, message, Scanner, Unreadable } from '../wire-format.ts';

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

/** Numbers of fields: of a graph its initializers, of a tensor its elements. */
const [INITIALIZER, RAW_DATA] = [5, 9];

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
