import type { CompiledModel } from '../runtime/index.ts';
import type { Dataset } from './dataset.ts';
import type { Preprocessing } from './preprocessing.ts';
import { Progress } from './progress.ts';

/** How many images of a dataset a model classifies as their label says. */
export interface Accuracy {
  readonly correct: number;
  readonly total: number;
  /** Time in `run` alone. */
  readonly seconds: number;
}

/**
 * Runs a classifier over a dataset and counts where the largest of its first output is the label.
 * @throws Error when the dataset has no labels, or the first output is not [n, classes].
 */
export async function accuracy(
  model: CompiledModel,
  dataset: Dataset,
  batchSize: number,
  preprocessing: Preprocessing,
): Promise<Accuracy> {
  const { labels, size, path } = dataset;
  if (!labels) throw new Error(`${path}: there is no array 'y' of classes to compare with`);
  const progress = new Progress('evaluating', size);
  let correct = 0;
  let done = 0;
  let milliseconds = 0;
  try {
    for (const batch of dataset.batches(batchSize, preprocessing)) {
      const start = performance.now();
      const { [model.outputs[0].name]: logits } = await model.run(batch);
      milliseconds += performance.now() - start;
      const count = batch.shape[0];
      if (logits.shape.length !== 2 || logits.shape[0] !== count)
        throw new Error(`the model's output has shape [${logits.shape}], not [${count}, classes]`);
      const scores = logits.data as ArrayLike<number>;
      for (let i = 0; i < count; i++)
        if (argmax(scores, i * logits.shape[1], logits.shape[1]) === labels[done + i]) correct++;
      done += count;
      progress.advance(count);
    }
  } finally {
    progress.stop();
  }
  return { correct, total: size, seconds: milliseconds / 1000 };
}

function argmax(values: ArrayLike<number>, start: number, length: number): number {
  let best = start;
  for (let i = start + 1; i < start + length; i++) if (values[i] > values[best]) best = i;
  return best - start;
}
