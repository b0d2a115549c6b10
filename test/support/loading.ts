import { Tensor } from '../../lib/index.ts';
import type { DataLoader, TrainingBatch } from '../../lib/training/index.ts';

/** Twelve examples that tell their numbers. */
export const twelve = {
  inputs: {
    x: Tensor.from(
      'float32',
      Array.from({ length: 24 }, (_, i) => i / 2),
      [12, 2],
    ),
  },
  targets: {
    labels: Tensor.from(
      'int64',
      Array.from({ length: 12 }, (_, i) => i),
    ),
  },
};

/** What is left of an epoch. */
export async function epochOf(loader: DataLoader): Promise<TrainingBatch[]> {
  const batches: TrainingBatch[] = [];
  for await (const batch of loader) batches.push(batch);
  return batches;
}

/** The numbers of their examples, where these are the labels. */
export const numbersOf = (batches: readonly TrainingBatch[]) =>
  batches.map(({ targets }) => targets.labels.toArray() as number[]);
