import { untilAborted } from '../abort.ts';
import type { ModelInputs } from '../graph/index.ts';
import { checkBatches } from '../quantization/calibrate.ts';
import type { CalibrationBatches } from '../recipes/index.ts';

/**
 * Reads all batches, for what goes through them several times.
 * @throws Error (rejects) when they are no iterable or there are none; the signal's reason when it is aborted.
 */
export async function readBatches(
  batches: CalibrationBatches,
  signal: AbortSignal | undefined,
  where: string,
): Promise<readonly ModelInputs[]> {
  checkBatches(batches, where);
  const read: ModelInputs[] = [];
  for await (const batch of untilAborted(batches, signal)) read.push(batch);
  if (read.length === 0) throw new Error(`${where}: there are no batches; it needs at least one`);
  return read;
}
