import { stat } from 'node:fs/promises';
import { checkModelName, checkOutputPath } from '../output-path.ts';
import type { TrainSettings } from './settings.ts';

/**
 * Checks what a run would write, before it begins.
 * @param given the argument of the command: the model, or a file of settings.
 * @throws Error when a file could not be written, or would replace one that is read, or the checkpoint of another run.
 */
export async function checkFiles(given: string, settings: TrainSettings): Promise<void> {
  const { model, data, val, out, checkpoint, resume } = settings;
  const read = { [given]: given, [model]: model, '--data': data, '--val': val };
  checkModelName('--out', out, ['.octavo', '.onnx']);
  await checkOutputPath('--out', out, read);
  if (checkpoint === undefined) return;
  await checkOutputPath('--checkpoint', checkpoint, { ...read, '--out': out });
  if (!resume && (await exists(checkpoint)))
    throw new Error(
      `--checkpoint ${checkpoint} exists: --resume goes on from it; for a new run, delete it or name another file`,
    );
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
