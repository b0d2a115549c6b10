import type { Dataset } from '../data/index.ts';
import { Progress } from './progress.ts';

/** The inputs of all batches of the dataset in order, with a progress bar that ends with them. */
export async function* calibrationBatches(dataset: Dataset, task = 'calibrating') {
  const progress = new Progress(task, Math.ceil(dataset.size / dataset.batch));
  try {
    for await (const inputs of dataset.inputs()) {
      yield inputs;
      progress.advance();
    }
  } finally {
    progress.stop();
  }
}
