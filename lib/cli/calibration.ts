import type { Dataset } from './dataset.ts';
import type { Preprocessing } from './preprocessing.ts';
import { Progress } from './progress.ts';

/** All images of the dataset in order, in batches, with a progress bar that ends with them. */
export function* calibrationBatches(dataset: Dataset, batchSize: number, preprocessing: Preprocessing) {
  const progress = new Progress('calibrating', Math.ceil(dataset.size / batchSize));
  try {
    for (const batch of dataset.batches(batchSize, preprocessing)) {
      yield batch;
      progress.advance();
    }
  } finally {
    progress.stop();
  }
}
