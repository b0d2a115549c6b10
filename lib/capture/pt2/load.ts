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
 * Reads a model that PyTorch saved with `torch.export.save`, in any of its layouts: that of 2.6 and 2.7, of 2.8, and of 2.9
 * and later (counterpart: `torch.export.load(path).module()`). The graph's names, order and metadata are PyTorch's; symbolic
 * sizes, such as a dynamic batch, keep their ranges in `rangeConstraints`. In-place operators get functional semantics, and a
 * program that was exported in training mode is read in evaluation mode (torchao: `move_exported_model_to_eval`). Programs
 * that PyTorch or torchao quantized (`convert_pt2e`) can be lowered as they are.
 * Nothing in the file is ever executed. Arguments of `forward` that were no tensors at export (None, numbers, strings) are
 * no inputs of the graph, which holds what they led to; PyTorch checks instead that callers pass the same. Results that are
 * None are left out. Only the weights that the program uses are read, each into memory of its own where the layout has them
 * apart; tied weights are one tensor. The inputs that the model was exported with are in `meta.exampleInputs`, where
 * they are plain tensors.
 * @param source a path, or the file's bytes.
 * @throws Error that names the file and what is wrong with it: not there, not a zip, cut short or damaged, an archive of
 * another kind (TorchScript, torch.save, AOTInductor, ExecuTorch), a newer major version of the schema, several models of
 * which none is named, a pickle that asks for anything but tensors, operators that are not supported (all at once, with a
 * count each and the line of the model), calls that their operators refuse, or a weight that is missing or of the wrong
 * size; and for an unknown option.
 */
export async function loadPt2(
  source: string | Uint8Array,
  options: LoadPt2Options = {},
): Promise<GraphModule> {
  checkOptions(options, loadPt2Options, 'loadPt2');
  const label = typeof source === 'string' ? source : 'the .pt2 file';
  const file = await openArchive(source, label);
  try {
    const archive = await openModel(await findModels(file), options.model, label);
    const module = await buildProgram(archive, operators);
    const exampleInputs = await readExampleInputs(archive, module);
    if (exampleInputs) module.meta.exampleInputs = exampleInputs;
    return module;
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith(`${label}: `)) throw error;
    throw new Error(`${label}: ${message}`, { cause: error });
  } finally {
    await file.close();
  }
}
