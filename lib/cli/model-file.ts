import { type GraphFileKind, graphFileKind, loadGraph } from '../capture/index.ts';
import { rememberedPreprocessing } from '../data/remembered-preprocessing.ts';
import { openFile } from '../formats/open-file.ts';
import type { GraphModule } from '../graph/index.ts';
import { lower } from '../lowering/index.ts';
import { readArtifact } from '../runtime/artifact.ts';
import { computesInBfloat16, warnOfSlowBfloat16 } from '../runtime/bfloat16.ts';
import { type CompiledModel, compile } from '../runtime/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { type AutocastFlags, autocastOf } from './options/autocast.ts';
import { type InputFlags, inputOptionsOf } from './options/input-options.ts';
import type { Preprocessing } from './options/preprocessing.ts';

/** What a model file holds: a float graph to work on, or a model ready to run. */
export type FileKind = GraphFileKind | 'artifact';

/**
 * Tells by its first bytes what a model file is.
 * @throws Error when it is neither a zip (.pt2), nor ONNX, nor safetensors (a model that Octavo saved).
 */
export async function fileKind(path: string): Promise<FileKind> {
  const kind = await graphFileKind(path);
  if (kind) return kind;
  const file = await openFile(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(9), 0, 9, 0);
    // A safetensors file begins with the length of its header, 64 bits, and the header's JSON.
    if (buffer.toString('latin1', 8, 9) === '{') return 'artifact';
    throw new Error(`${path} is neither a .pt2 or .onnx file nor a model saved by Octavo`);
  } finally {
    await file.close();
  }
}

/** Refuses to cast what is lowered already. */
export function refuseAutocast(path: string, options: AutocastFlags): void {
  if (autocastOf(options))
    throw new Error(
      `${path} is a compiled model; --autocast is for a .pt2 or .onnx file, or for octavo quantize`,
    );
}

/** Refuses to choose, or to decide about inputs of, what is lowered already. */
export function refuseInputOptions(path: string, options: InputFlags): void {
  const [option] = Object.keys(inputOptionsOf(options));
  if (option !== undefined)
    throw new Error(
      `${path} is a compiled model; --model is for a .pt2 file, --bind and --shape are for a .onnx file`,
    );
}

/** What a model computes in. */
export type Precision = 'float32' | 'bfloat16' | 'int8' | 'int8-mixed-bf16';

function precisionOf(module: GraphModule): Precision {
  const isInt8 = [...module.attributes.values()].some(({ dtype }) => dtype === 'int8');
  if (computesInBfloat16(module)) return isInt8 ? 'int8-mixed-bf16' : 'bfloat16';
  return isInt8 ? 'int8' : 'float32';
}

export interface OpenOptions extends AutocastFlags, InputFlags {
  readonly threads?: number;
}

/** A model that can run, whatever its file was. */
export interface OpenedModel {
  readonly model: CompiledModel;
  readonly precision: Precision;
  readonly preprocessing: Preprocessing | undefined;
  /** Those that the model was exported with. */
  readonly exampleInputs: readonly Tensor[] | undefined;
}

/** Opens a saved model as it is, and a `.pt2` or `.onnx` model compiled for float32, or for what it is cast to. */
export async function openModel(path: string, options: OpenOptions): Promise<OpenedModel> {
  const { threads } = options;
  const use = threads === undefined ? {} : { threadsPerStream: threads };
  if ((await fileKind(path)) !== 'artifact') {
    const captured = await loadGraph(path, inputOptionsOf(options));
    const { module } = lower(captured, { autocast: autocastOf(options) });
    const { exampleInputs } = module.meta;
    const model = compile(module, use);
    return { model, precision: precisionOf(module), preprocessing: undefined, exampleInputs };
  }
  refuseAutocast(path, options);
  refuseInputOptions(path, options);
  const { module, metadata, tuning } = await readArtifact(path);
  const preprocessing = rememberedPreprocessing(metadata, path);
  const model = compile(module, { ...use, metadata, tuning });
  warnOfSlowBfloat16(module, path);
  return { model, precision: precisionOf(module), preprocessing, exampleInputs: undefined };
}
