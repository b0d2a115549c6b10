import { openFile } from '../formats/open-file.ts';
import { parseJson } from '../formats/parse-json.ts';
import { encodeSafetensors, type SafetensorsHeader } from '../formats/safetensors.ts';
import { readSafetensorsHeader } from '../formats/safetensors-file.ts';
import { writeWhole } from '../formats/whole-file.ts';
import {
  deserializeGraph,
  deserializeRanges,
  type Graph,
  GraphModule,
  type SymbolRange,
  serializeGraph,
  serializeRanges,
} from '../graph/index.ts';
import type { LoweringRecord } from '../lowering/index.ts';
import { addon } from '../native/addon.ts';
import type { StoredConstantDesc } from '../native/addon-types.ts';
import { StoredTensor } from '../native/stored-tensor.ts';
import type { Tensor } from '../tensor/index.ts';
import { checkTuning, type Tuning, untuned } from './decisions.ts';
import { parseLoweringRecord, serializeLoweringRecord } from './lowering-record.ts';
import { type PackedWeights, storedForms } from './packed-weights.ts';

/** Facts stored with a model, by name: how its inputs are prepared, what its outputs mean. */
export type ModelMetadata = Readonly<Record<string, string>>;

/** A checked copy that stays so, made before the work: saving must not fail on metadata that no reader accepts. */
export function checkMetadata(metadata: ModelMetadata): ModelMetadata {
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string')
      throw new Error(`compile: metadata '${key}' must be a string, got ${typeof value}`);
  return Object.freeze({ ...metadata });
}

/**
 * Version of the graph's JSON form and of the operators' meaning; raised when older readers would misunderstand a file.
 */
export const formatVersion = '1';

/** The contents of an artifact. */
export interface Artifact {
  readonly module: GraphModule;
  /** Facts that the creator of the model stored with it. */
  readonly metadata: ModelMetadata;
  /** Decisions about the model by measurement. */
  readonly tuning: Tuning;
}

/** The same in the form that is written. */
export interface WrittenArtifact extends Artifact {
  /** Stored next to the weights, for processes that pack them in the same way. */
  readonly packed?: PackedWeights | undefined;
}

/**
 * Writes a graph with its weights to one safetensors file: tensors by their paths; graph, metadata and the record of
 * lowering as JSON in the file's metadata. The file is written completely or not at all.
 */
export async function writeArtifact(artifact: WrittenArtifact, path: string): Promise<void> {
  const { module, metadata, tuning, packed } = artifact;
  const chunks = encodeSafetensors({
    tensors: packed ? new Map([...module.attributes, ...packed.tensors]) : module.attributes,
    metadata: {
      format: 'octavo',
      version: formatVersion,
      graph: JSON.stringify(serializeGraph(module.graph)),
      metadata: JSON.stringify(metadata),
      rangeConstraints: JSON.stringify(serializeRanges(module.rangeConstraints)),
      tuning: JSON.stringify(tuning),
      ...(module.meta.lowering ? { lowering: serializeLoweringRecord(module.meta.lowering) } : {}),
      ...(packed ? { packed: packed.record } : {}),
    },
  });
  await writeWhole(path, chunks);
}

/**
 * Reads what {@link writeArtifact} wrote, except the weights, which stay in the file until they are needed. The file
 * may be replaced or deleted during that time, but not written to. Its weights belong to the model that is compiled
 * from it.
 * @throws Error that says what is wrong with a file that is missing, cut off, hostile or of another format.
 */
export async function readArtifact(path: string): Promise<Artifact> {
  const file = await openFile(path);
  try {
    const header = await readSafetensorsHeader(file, path);
    const { metadata } = header;
    if (metadata.format !== 'octavo')
      throw new Error(`${path} is a safetensors file, but not a model that Octavo saved`);
    if (metadata.version !== formatVersion)
      throw new Error(
        `${path} has format version ${metadata.version}; this version of Octavo reads ${formatVersion}`,
      );
    return openModel(decodeModel(header, path), file.fd, path);
  } finally {
    await file.close();
  }
}

/** The description of a model in the header. */
interface DecodedModel extends Omit<Artifact, 'module'> {
  readonly graph: Graph;
  readonly ranges: ReadonlyMap<string, SymbolRange>;
  readonly lowering: LoweringRecord | undefined;
  readonly weights: readonly (StoredConstantDesc & { readonly key: string })[];
}

function decodeModel({ entries, metadata }: SafetensorsHeader, path: string): DecodedModel {
  try {
    const graph = deserializeGraph(parseJson(metadata.graph));
    const kept = parseMetadata(metadata.metadata);
    // Files written before tuning existed have none.
    const tuning = metadata.tuning === undefined ? untuned : checkTuning(parseJson(metadata.tuning));
    // Older files have no ranges either.
    const ranges = deserializeRanges(parseJson(metadata.rangeConstraints ?? '{}'));
    const named = new Set(entries.map(({ key }) => key));
    const used = new Set<string>();
    for (const { op, target } of graph.nodes)
      if (op === 'get_attr')
        if (named.has(target)) used.add(target);
        else throw new Error(`graph: there is no parameter or buffer '${target}'`);
    const lowering = metadata.lowering === undefined ? undefined : parseLoweringRecord(metadata.lowering);
    // Files without packed weights have no such entry.
    const forms = metadata.packed === undefined ? undefined : storedForms(metadata.packed, entries);
    const weights = entries
      .filter(({ key }) => used.has(key))
      .map((entry) => ({ ...entry, forms: forms?.get(entry.key) }));
    return { graph, ranges, metadata: kept, tuning, lowering, weights };
  } catch (error) {
    throw new Error(`${path} is damaged: ${(error as Error).message}`, { cause: error });
  }
}

/** Called last, when the file has passed all checks: it stays open for its weights. */
function openModel(model: DecodedModel, descriptor: number, path: string): Artifact {
  const { graph, ranges, metadata, tuning, lowering, weights } = model;
  const file = addon.openWeightFile(descriptor, path);
  const constants = addon.openWeights(file, weights);
  // The constants hold it open: it is closed with the last of them, not when this handle is collected.
  addon.closeWeightFile(file);
  const tensors = weights.map(({ key, dtype, shape }, i): [string, Tensor] => [
    key,
    new StoredTensor(dtype, shape, constants[i]),
  ]);
  const module = new GraphModule(graph, tensors, [], ranges);
  if (lowering) module.meta.lowering = lowering;
  return { module, metadata, tuning };
}

function parseMetadata(text: string): ModelMetadata {
  const value: unknown = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('its metadata is not an object');
  for (const [key, entry] of Object.entries(value))
    if (typeof entry !== 'string') throw new Error(`its metadata '${key}' is not a string`);
  return value as ModelMetadata;
}
