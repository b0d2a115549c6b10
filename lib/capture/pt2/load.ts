import { operators } from '../../aten/index.ts';
import { JsonCursor } from '../../formats/json-cursor.ts';
import { readWhole } from '../../formats/open-file.ts';
import { readTorchSave } from '../../formats/torch-save.ts';
import { ZipArchive } from '../../formats/zip.ts';
import type { GraphModule } from '../../graph/index.ts';
import { buildProgram } from './exported-program.ts';

const PROGRAM = 'serialized_exported_program.json';

/**
 * Reads a model that PyTorch 2.6 or 2.7 saved with `torch.export.save` (counterpart:
 * `torch.export.load(path).module()`). The graph's names, order and metadata are PyTorch's. Symbolic sizes, such as a
 * dynamic batch, keep their ranges in `rangeConstraints`. In-place operators become functional. Nothing in the file is
 * ever executed. Arguments of `forward` that were not tensors at export (None, numbers, strings) are not inputs of the
 * graph: their effect is part of it. PyTorch checks instead that callers pass the same values. Results that are None
 * are left out.
 * @param source a path, or the file's bytes.
 * @throws Error that names the file and the cause: missing, not a zip archive, truncated or damaged, another version's
 * layout, a pickle that needs anything but tensors, operators that are not supported (all at once, each with its count
 * and the line of the model), calls that their operators reject, or a weight that is missing or of the wrong size.
 */
export async function loadPt2(source: string | Uint8Array): Promise<GraphModule> {
  const label = typeof source === 'string' ? source : 'the .pt2 file';
  const archive = await ZipArchive.open(typeof source === 'string' ? await readWhole(source) : source, label);
  checkLayout(archive);
  const state = await readTorchSave(archive.read('serialized_state_dict.pt'), `${label}: state dict`);
  const constants = await readTorchSave(archive.read('serialized_constants.pt'), `${label}: constants`);
  try {
    const program = JsonCursor.parse(archive.read(PROGRAM));
    return buildProgram(program, { state, constants }, operators, label);
  } catch (error) {
    throw new Error(`${label}: ${(error as Error).message}`, { cause: error });
  }
}

/** PyTorch 2.8 and later put everything into a folder named like the file, which contains `archive_format`. */
function checkLayout(archive: ZipArchive): void {
  if (archive.has(PROGRAM)) return;
  if (archive.names.some((name) => /(^|\/)archive_format$/.test(name)))
    throw new Error(
      `${archive.label}: this is the PT2Archive layout of PyTorch 2.8 and later, which is not supported; ` +
        'save the model with torch.export.save of PyTorch 2.6 or 2.7',
    );
  throw new Error(`${archive.label}: there is no ${PROGRAM}, so this is no file of torch.export.save`);
}
