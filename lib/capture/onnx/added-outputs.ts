import { BytesInMemory } from '../../formats/byte-source.ts';
import { encodeOnnxGraph } from './schema.ts';
import { GRAPH, isMessage, message, Scanner } from './wire-format.ts';

/**
 * An ONNX model whose graph returns more of its values. Everything else stays byte by byte.
 * @param names of values that the graph computes, and does not return yet.
 */
export function withAddedOutputs(model: Uint8Array, names: readonly string[]): Uint8Array {
  const added = encodeOnnxGraph({ output: names.map((name) => ({ name })) });
  const scanner = new Scanner(new BytesInMemory(model));
  const pieces = [...scanner.fields(0, model.length)].flatMap((field) => {
    const content = scanner.bytes(field.content, field.end);
    // Fields of a message may come in any order, and outputs anywhere among them.
    return isMessage(field, GRAPH)
      ? message(GRAPH, [content, added])
      : [scanner.bytes(field.start, field.end)];
  });
  return new Uint8Array(Buffer.concat(pieces));
}
