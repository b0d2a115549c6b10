import type { RecipeOptions } from '../quantize/index.ts';
import type { Dataset } from './dataset.ts';
import type { Preprocessing } from './preprocessing.ts';
import { Progress } from './progress.ts';

/** What `--reduce-range` says. */
export type ReduceRange = 'auto' | 'on' | 'off';

/** The recipe for a `--reduce-range`; auto asks this CPU. */
export function recipeOf(reduceRange: ReduceRange): RecipeOptions {
  return reduceRange === 'auto' ? {} : { reduceRange: reduceRange === 'on' };
}

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
