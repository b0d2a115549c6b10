import { JsonCursor } from '../../formats/json-cursor.ts';
import type { ZipArchive } from '../../formats/zip.ts';
import type { ModelArchive } from './model-archive.ts';
import { PickledTensors, readPickledValue } from './payloads/pickled-tensors.ts';

/** The entry that says that a model's weights are stored in this layout. */
export const rootedWeights = (root: string, model: string) => `${root}data/weights/${model}.pt`;

/**
 * The layout of PyTorch 2.8: entries under a root folder, tensors as files of `torch.save`.
 * @param root the folder with its slash, or nothing where there is none.
 */
export function openRooted(file: ZipArchive, root: string, model: string): ModelArchive {
  const program = JsonCursor.parse(file.read(`${root}models/${model}.json`));
  const weights = new PickledTensors(file, rootedWeights(root, model), 'weights');
  const constants = new PickledTensors(file, `${root}data/constants/${model}.pt`, 'constants');
  return {
    program,
    weight: (name) => weights.tensor(name),
    constant: (name) => constants.tensor(name),
    exampleInputs: () => readPickledValue(file, `${root}data/sample_inputs/${model}.pt`),
  };
}
