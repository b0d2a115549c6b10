import { open } from 'node:fs/promises';
import { deserializeGraph, GraphModule, serializeGraph } from '../graph/index.ts';
import { decodeSafetensors, encodeSafetensors } from '../tensor/index.ts';
import { parseLoweringRecord, serializeLoweringRecord } from './lowering-record.ts';
import { writeWhole } from './whole-file.ts';

/** Facts kept with a model, by name: how its inputs are made, what its outputs mean. */
export type ModelMetadata = Readonly<Record<string, string>>;

/** Of the graph's JSON form and the operators' meaning; raised when older readers would misunderstand a file. */
const formatVersion = '1';

/** What an artifact holds. */
export interface Artifact {
  readonly module: GraphModule;
  /** What whoever made the model wanted kept with it. */
  readonly metadata: ModelMetadata;
}

/**
 * Writes a graph with its weights to one safetensors file: tensors by their paths, graph and metadata as JSON in the
 * file's metadata, with what lowering noted. The file is there completely or not at all.
 */
export async function writeArtifact({ module, metadata }: Artifact, path: string): Promise<void> {
  const chunks = encodeSafetensors({
    tensors: module.attributes,
    metadata: {
      format: 'octavo',
      version: formatVersion,
      graph: JSON.stringify(serializeGraph(module.graph)),
      metadata: JSON.stringify(metadata),
      ...(module.meta.lowering ? { lowering: serializeLoweringRecord(module.meta.lowering) } : {}),
    },
  });
  await writeWhole(path, chunks);
}

/**
 * Reads what {@link writeArtifact} wrote. The file is read once; weights are views of that memory.
 * @throws Error that says what is wrong with a file that is missing, cut off, hostile or of another format.
 */
export async function readArtifact(path: string): Promise<Artifact> {
  const { tensors, metadata } = decodeSafetensors(await readWhole(path), path);
  if (metadata.format !== 'octavo')
    throw new Error(`${path} is a safetensors file, but not a model that Octavo saved`);
  if (metadata.version !== formatVersion)
    throw new Error(
      `${path} has format version ${metadata.version}; this version of Octavo reads ${formatVersion}`,
    );
  try {
    const graph = deserializeGraph(JSON.parse(metadata.graph));
    const module = new GraphModule(graph, tensors);
    for (const node of graph.nodes) if (node.op === 'get_attr') module.attribute(node.target);
    if (metadata.lowering !== undefined) module.meta.lowering = parseLoweringRecord(metadata.lowering);
    return { module, metadata: parseMetadata(metadata.metadata) };
  } catch (error) {
    throw new Error(`${path} is damaged: ${(error as Error).message}`, { cause: error });
  }
}

function parseMetadata(text: string): ModelMetadata {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('its metadata is not an object');
  for (const [key, entry] of Object.entries(value))
    if (typeof entry !== 'string') throw new Error(`its metadata '${key}' is not a string`);
  return value as ModelMetadata;
}

/** The whole file in memory of its own, so that element types of any size lie aligned in it. */
async function readWhole(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((error: Error) => {
    throw new Error(`${path} could not be opened: ${error.message}`, { cause: error });
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new Error(`${path} is not a file`);
    const { size } = info;
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await file.read(bytes, filled, Math.min(size - filled, 2 ** 30), filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}
