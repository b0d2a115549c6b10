import { JsonCursor } from '../../formats/json-cursor.ts';
import type { ZipFile } from '../../formats/zip-file.ts';
import type { ModelArchive } from './model-archive.ts';
import { readPickledValue } from './payloads/pickled-tensors.ts';
import { RawTensors } from './payloads/raw-tensors.ts';

/** The entry that says where each weight of a model is stored, which only this layout has. */
export const rawWeights = (root: string, model: string) => `${root}data/weights/${model}_weights_config.json`;

/**
 * The layout of PyTorch 2.9 and later: entries under a root folder, each storage as raw bytes in an entry of its own.
 * @param root the folder with its slash, or nothing where there is none.
 */
export async function openRaw(file: ZipFile, root: string, model: string): Promise<ModelArchive> {
  const program = JsonCursor.parse(await file.read(`${root}models/${model}.json`));
  const weights = await RawTensors.open(file, rawWeights(root, model));
  const constants = await RawTensors.open(file, `${root}data/constants/${model}_constants_config.json`);
  return {
    program,
    weight: (name) => weights.tensor(name),
    constant: (name) => constants.tensor(name),
    exampleInputs: () => readPickledValue(file, `${root}data/sample_inputs/${model}.pt`),
  };
}
