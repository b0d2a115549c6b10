import { readArtifact } from './artifact.ts';
import { type CompiledModel, type CompileOptions, compile } from './compiled-model.ts';

/**
 * Loads a model that {@link CompiledModel.save} wrote.
 * @throws Error (rejects) that says what is wrong with a file that is missing, damaged or of another format.
 */
export async function loadModel(
  path: string,
  options: Omit<CompileOptions, 'metadata' | 'tuning'> = {},
): Promise<CompiledModel> {
  const { module, metadata, tuning } = await readArtifact(path);
  return compile(module, { ...options, metadata, tuning });
}
