import { JsonCursor } from '../../formats/json-cursor.ts';
import type { ZipArchive } from '../../formats/zip.ts';
import type { ModelArchive } from './model-archive.ts';
import { readPickledValue } from './payloads/pickled-tensors.ts';
import { RawTensors } from './payloads/raw-tensors.ts';

/** The entry that says where each weight of a model is stored, which only this layout has. */
export const rawWeights = (root: string, model: string) => `${root}data/weights/${model}_weights_config.json`;

/**
 * The layout of PyTorch 2.9 and later: entries under a root folder, each storage as raw bytes in an entry of its own.
 * @param root the folder with its slash, or nothing where there is none.
 */
export function openRaw(file: ZipArchive, root: string, model: string): ModelArchive {
  const program = JsonCursor.parse(file.read(`${root}models/${model}.json`));
  const weights = RawTensors.open(file, rawWeights(root, model));
  const constants = RawTensors.open(file, `${root}data/constants/${model}_constants_config.json`);
  return {
    program,
    weight: async (name) => weights.tensor(name),
    constant: async (name) => constants.tensor(name),
    exampleInputs: () => readPickledValue(file, `${root}data/sample_inputs/${model}.pt`),
  };
}
