import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve, sep } from 'node:path';
import { readWhole } from '../../../formats/open-file.ts';
import { decodeOnnx } from '../schema.ts';
import { type GraphMessage, type ModelMessage, numberOf, type TensorMessage } from './messages.ts';
import type { ReadExternal } from './tensors.ts';

/** A model as its file has it. */
export interface ModelFile {
  /** What messages call the file. */
  readonly label: string;
  readonly model: ModelMessage;
  readonly graph: GraphMessage;
  /** The version of each operator set, by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly external: ReadExternal;
}

/**
 * Reads the messages of a `.onnx` file.
 * @param source a path, or the file's bytes.
 * @throws Error that names the file: not there, cut short, not ONNX, without a graph or operator sets.
 */
export async function readModelFile(source: string | Uint8Array): Promise<ModelFile> {
  const label = typeof source === 'string' ? source : 'the .onnx file';
  const bytes = typeof source === 'string' ? await readWhole(source) : source;
  const model = decode(bytes, label);
  if (!model.graph || (model.graph.node.length === 0 && model.graph.output.length === 0))
    throw new Error(`${label}: there is no graph in it, so this is not an ONNX model`);
  if (model.opsetImport.length === 0)
    throw new Error(`${label}: the model says no operator set (opset_import)`);
  const external: ReadExternal = (tensor) =>
    readExternal(tensor, typeof source === 'string' ? source : undefined);
  return { label, model, graph: model.graph, opsets: opsetsOf(model.opsetImport), external };
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

/**
 * The bytes of a tensor that is stored beside the model. Nothing outside of the model's folder is read, wherever the path
 * or a link in it leads.
 */
function readExternal(tensor: TensorMessage, modelPath: string | undefined): Uint8Array {
  const what = `the external data of the tensor '${tensor.name}'`;
  if (modelPath === undefined)
    throw new Error(`${what} is in another file, and the model was given as bytes; give its path`);
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (!location) throw new Error(`${what} has no location`);
  const folder = realpathSync(dirname(modelPath));
  const path = resolve(folder, location);
  if (isAbsolute(location) || !isInside(path, folder))
    throw new Error(`${what} is in '${location}', outside of the model's folder`);
  const real = realPath(path, what);
  if (!isInside(real, folder))
    throw new Error(`${what} is in '${location}', which leads outside of the model's folder`);
  const { size } = statSync(real);
  const offset = wholeNumber(entries.get('offset') ?? '0', 'offset', what);
  const length = wholeNumber(entries.get('length') ?? String(size - offset), 'length', what);
  if (offset + length > size)
    throw new Error(`${what} ends at byte ${offset + length} of '${location}', which has ${size}`);
  const bytes = new Uint8Array(length);
  const file = openSync(real, 'r');
  try {
    for (let at = 0; at < length; ) {
      const read = readSync(file, bytes, at, Math.min(length - at, 2 ** 30), offset + at);
      if (read === 0) throw new Error(`${what}: '${location}' ends at byte ${offset + at}`);
      at += read;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

const isInside = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

function realPath(path: string, what: string): string {
  try {
    const real = realpathSync(path);
    if (statSync(real).isFile()) return real;
  } catch (error) {
    throw new Error(`${what} could not be opened: ${(error as Error).message}`, { cause: error });
  }
  throw new Error(`${what}: ${path} is not a file`);
}

function wholeNumber(text: string, name: string, what: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new Error(`${what} has the ${name} '${text}'`);
  return value;
}
