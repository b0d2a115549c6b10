import { fixedShapes } from '../graph/index.ts';
import type { StoredTensor } from '../native/stored-tensor.ts';
import { checkOptions } from '../options.ts';
import { readArtifact } from './artifact.ts';
import { warnOfSlowBfloat16 } from './bfloat16.ts';
import { CompiledModel } from './compiled-model.ts';
import { type CompileOptions, loadOptions } from './options.ts';

/**
 * Loads a model that {@link CompiledModel.save} wrote. One that was lowered with `autocast` returns the same numbers on
 * a CPU without bfloat16 instructions, slower than float32; a process warning says so. As by {@link compile}, the plan
 * of a model whose sizes are all known is made at once, on the model's own threads.
 * @throws Error (rejects) that says what is wrong with a file that is missing, damaged or of another format, and for an
 * unknown option.
 */
export async function loadModel(
  path: string,
  options: Omit<CompileOptions, 'metadata' | 'tuning'> = {},
): Promise<CompiledModel> {
  checkOptions(options, loadOptions, 'loadModel');
  const { module, metadata, tuning } = await readArtifact(path);
  let model: CompiledModel | undefined;
  try {
    model = new CompiledModel(module, { ...options, metadata, tuning });
    warnOfSlowBfloat16(module, path);
    const shapes = fixedShapes(model.inputs);
    if (shapes) await model.warmup(shapes);
    return model;
  } catch (error) {
    model?.dispose();
    // They keep the file open, and there is no model that would close it.
    for (const tensor of module.attributes.values()) (tensor as StoredTensor).release();
    throw error;
  }
}
