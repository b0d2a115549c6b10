import { operators } from '../../aten/index.ts';
import type { GraphModule } from '../../graph/index.ts';
import { checkOptions, type OptionNames } from '../../options.ts';
import { findModels, openModel } from './archive.ts';
import { readExampleInputs } from './example-inputs.ts';
import { buildProgram } from './exported-program.ts';
import { openArchive } from './open-archive.ts';

/** How {@link loadPt2} reads an archive. */
export interface LoadPt2Options {
  /** Which program, where the archive has several. */
  readonly model?: string;
}

const loadPt2Options: OptionNames<LoadPt2Options> = { model: true };

/**
 * Reads a model that PyTorch saved with `torch.export.save`, in any of its layouts: of 2.6 and 2.7, of 2.8, and of 2.9
 * and later (counterpart: `torch.export.load(path).module()`). The graph's names, order and metadata are PyTorch's.
 * Symbolic sizes, such as a dynamic batch, keep their ranges in `rangeConstraints`. In-place operators become functional.
 * A program that was exported in training mode is read in evaluation mode (torchao: `move_exported_model_to_eval`). A
 * program that PyTorch or torchao quantized (`convert_pt2e`) can be lowered as it is. Nothing in the file is ever
 * executed. Arguments of `forward` that were not tensors at export (None, numbers, strings) are not inputs of the graph:
 * their effect is part of it. PyTorch checks instead that callers pass the same values. Results that are None are left
 * out. Only weights that the program names are read. Of a file, large ones stay there until their elements are needed, by
 * `compile` or by whoever looks at them: it may be replaced or deleted meanwhile, but a file that is written to makes
 * what needs its weights throw. Tied weights are one tensor. Parameters without `requires_grad` are not trained. `meta.exampleInputs` holds the inputs that the model was
 * exported with, if they are plain tensors.
 * @param source a path, or the file's bytes.
 * @throws Error that names the file and the cause: missing, not a zip archive, truncated or damaged, an archive of
 * another kind (TorchScript, torch.save, AOTInductor, ExecuTorch), a newer major version of the schema, several models of
 * which none is chosen, a pickle that needs anything but tensors, operators that are not supported (all at once, each
 * with its count and the line of the model), calls that their operators reject, or a weight that is missing or of the
 * wrong size; also for an unknown option.
 */
export async function loadPt2(
  source: string | Uint8Array,
  options: LoadPt2Options = {},
): Promise<GraphModule> {
  checkOptions(options, loadPt2Options, 'loadPt2');
  const label = typeof source === 'string' ? source : 'the .pt2 file';
  const file = await openArchive(source, label);
  try {
    const archive = openModel(findModels(file), options.model, label);
    const module = await buildProgram(archive, operators, label);
    const exampleInputs = await readExampleInputs(archive, module);
    if (exampleInputs) module.meta.exampleInputs = exampleInputs;
    return module;
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith(`${label}: `)) throw error;
    throw new Error(`${label}: ${message}`, { cause: error });
  } finally {
    file.close();
  }
}
