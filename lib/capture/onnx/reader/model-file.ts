import { BytesInFile, BytesInMemory } from '../../../formats/byte-source.ts';
import type { Content } from '../../../formats/content.ts';
import { decodeOnnx } from '../schema.ts';
import { ExternalFiles } from './external-files.ts';
import { spareLargeTensors } from './large-tensors.ts';
import {
  type GraphMessage,
  type ModelMessage,
  numberOf,
  rawContent,
  type TensorMessage,
} from './messages.ts';

/** A model as its file has it. */
export interface ModelFile {
  /** What messages call the file. */
  readonly label: string;
  readonly model: ModelMessage;
  readonly graph: GraphMessage;
  /** The version of each operator set, by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  /** The bytes of a tensor's elements; undefined where these are in a typed field. */
  contentOf(tensor: TensorMessage): Content | undefined;
  /** Closes the file, and those that hold tensors of it. */
  close(): void;
}

/** `onnx.TensorProto.DataLocation`. */
const EXTERNAL = 1;

/**
 * Reads the messages of a `.onnx` file. The elements of large tensors stay in it.
 * @param source a path, or the file's bytes. Whoever reads a file closes it.
 * @throws Error that names the file: not there, cut short, not ONNX, without a graph or operator sets.
 */
export function readModelFile(source: string | Uint8Array): ModelFile {
  const label = typeof source === 'string' ? source : 'the .onnx file';
  const file = typeof source === 'string' ? BytesInFile.open(source) : undefined;
  const external = new ExternalFiles(typeof source === 'string' ? source : undefined);
  const close = () => {
    file?.close();
    external.close();
  };
  try {
    const bytes = file ?? new BytesInMemory(source as Uint8Array);
    const spared = spareLargeTensors(bytes);
    const model = decode(spared?.bytes ?? bytes.read(0, bytes.size), label);
    if (!model.graph || (model.graph.node.length === 0 && model.graph.output.length === 0))
      throw new Error(`${label}: there is no graph in it, so this is not an ONNX model`);
    if (model.opsetImport.length === 0)
      throw new Error(`${label}: the model says no operator set (opset_import)`);
    const left = new Map<TensorMessage, Content>();
    for (const [number, content] of spared?.contents ?? [])
      left.set(model.graph.initializer[number], content);
    const contentOf = (tensor: TensorMessage) =>
      tensor.dataLocation === EXTERNAL ? external.content(tensor) : (left.get(tensor) ?? rawContent(tensor));
    return { label, model, graph: model.graph, opsets: opsetsOf(model.opsetImport), contentOf, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The version of each operator set, by domain; ONNX's own domain is the empty one. */
export function opsetsOf(imports: ModelMessage['opsetImport']): Map<string, number> {
  return new Map(imports.map(({ domain, version }) => [domainName(domain), numberOf(version)]));
}

/** ONNX's own domain has two names. */
export const domainName = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

function decode(bytes: Uint8Array, label: string): ModelMessage {
  try {
    return decodeOnnx('ModelProto', bytes) as ModelMessage;
  } catch (error) {
    throw new Error(`${label}: not an ONNX model, or cut short or damaged: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
