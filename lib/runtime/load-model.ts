import type { StoredTensor } from '../onednn/stored-tensor.ts';
import { readArtifact } from './artifact.ts';
import { warnOfSlowBfloat16 } from './bfloat16.ts';
import { type CompiledModel, type CompileOptions, compile } from './compiled-model.ts';

/**
 * Loads a model that {@link CompiledModel.save} wrote. One that was lowered with `autocast` gives the same numbers on a CPU
 * without bfloat16 instructions, slower than float32; a process warning says so.
 * @throws Error (rejects) that says what is wrong with a file that is missing, damaged or of another format.
 */
export async function loadModel(
  path: string,
  options: Omit<CompileOptions, 'metadata' | 'tuning'> = {},
): Promise<CompiledModel> {
  const { module, metadata, tuning } = await readArtifact(path);
  try {
    const model = compile(module, { ...options, metadata, tuning });
    warnOfSlowBfloat16(module, path);
    return model;
  } catch (error) {
    // They keep the file open, and no model will close it.
    for (const tensor of module.attributes.values()) (tensor as StoredTensor).release();
    throw error;
  }
}
