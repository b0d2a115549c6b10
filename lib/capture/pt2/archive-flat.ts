import { JsonCursor } from '../../formats/json-cursor.ts';
import type { ZipArchive } from '../../formats/zip.ts';
import type { ModelArchive } from './model-archive.ts';
import { PickledTensors, readPickledValue } from './payloads/pickled-tensors.ts';

/** The entry that only archives of this layout have. */
export const FLAT_PROGRAM = 'serialized_exported_program.json';

/** The layout of PyTorch 2.1 to 2.7: entries at the top of the archive, tensors as files of `torch.save`. */
export function openFlat(file: ZipArchive): ModelArchive {
  const program = JsonCursor.parse(file.read(FLAT_PROGRAM));
  const weights = new PickledTensors(file, 'serialized_state_dict.pt', 'state dict');
  const constants = new PickledTensors(file, 'serialized_constants.pt', 'constants');
  return {
    program,
    weight: (name) => weights.tensor(name),
    constant: (name) => constants.tensor(name),
    exampleInputs: () => readPickledValue(file, 'serialized_example_inputs.pt'),
  };
}
