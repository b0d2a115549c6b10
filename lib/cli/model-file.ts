import { open } from 'node:fs/promises';
import { loadPt2 } from '../capture/index.ts';
import { lower } from '../lowering/index.ts';
import { readArtifact } from '../runtime/artifact.ts';
import { type CompiledModel, compile } from '../runtime/index.ts';
import { type Preprocessing, rememberedPreprocessing } from './preprocessing.ts';

/** What a model file holds: a float graph to work on, or a model ready to run. */
export type FileKind = 'pt2' | 'artifact';

/**
 * Tells by its first bytes what a model file is.
 * @throws Error when it is neither a zip (.pt2) nor safetensors (a model that Octavo saved).
 */
export async function fileKind(path: string): Promise<FileKind> {
  const file = await open(path);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is not a file`);
    const { buffer } = await file.read(Buffer.alloc(9), 0, 9, 0);
    if (buffer.toString('latin1', 0, 4) === 'PK\x03\x04') return 'pt2';
    // A safetensors file begins with the length of its header, 64 bits, and the header's JSON.
    if (buffer.toString('latin1', 8, 9) === '{') return 'artifact';
    throw new Error(`${path} is neither a .pt2 file nor a model saved by Octavo`);
  } finally {
    await file.close();
  }
}

export interface OpenOptions {
  readonly threads?: number;
}

/** A model that can run, whatever its file was. */
export interface OpenedModel {
  readonly model: CompiledModel;
  readonly precision: 'float32' | 'int8';
  readonly preprocessing: Preprocessing | undefined;
}

/** Opens a saved model as it is, and a `.pt2` model compiled for float32. */
export async function openModel(path: string, { threads }: OpenOptions): Promise<OpenedModel> {
  const options = threads === undefined ? {} : { threadsPerStream: threads };
  if ((await fileKind(path)) === 'pt2') {
    const model = compile(lower(await loadPt2(path)).module, options);
    return { model, precision: 'float32', preprocessing: undefined };
  }
  const { module, metadata } = await readArtifact(path);
  const isInt8 = [...module.attributes.values()].some(({ dtype }) => dtype === 'int8');
  return {
    model: compile(module, { ...options, metadata }),
    precision: isInt8 ? 'int8' : 'float32',
    preprocessing: rememberedPreprocessing(metadata),
  };
}
