import { Tensor } from '../../tensor/index.ts';
import type { BatchTransform, Transform } from '../transforms/transform.ts';
import { checkBatch, rowsOf, stack, type TrainingBatch } from './batch.ts';
import { Random } from './random.ts';

/** What is done to batches, and what decides its random numbers. */
export interface BatchTransforms {
  readonly transforms: Readonly<Record<string, readonly Transform[]>>;
  readonly batchTransform: BatchTransform | undefined;
  readonly seed: number;
}

/**
 * Applies the transforms of each input to every example, then the batch's.
 * @param numbers the example's numbers, which decide their random numbers whatever batch they are in.
 * @throws Error for transforms of an input that does not exist, and for those that return something else than they should.
 */
export async function transformBatch(
  batch: TrainingBatch,
  numbers: readonly number[],
  epoch: number,
  { transforms, batchTransform, seed }: BatchTransforms,
): Promise<TrainingBatch> {
  const inputs = { ...batch.inputs };
  for (const [name, list] of Object.entries(transforms)) {
    if (!inputs[name])
      throw new Error(
        `DataLoader: transforms names '${name}', but the inputs are ${Object.keys(inputs).join(', ')}`,
      );
    // One generator for each input: a transform more of one of them does not change the others.
    const input = Object.keys(inputs).indexOf(name);
    const changed = numbers.map((number, i) => {
      const random = new Random(seed, epoch, number, input);
      const example = rowsOf(inputs[name], i, 1).view(inputs[name].shape.slice(1));
      return list.reduce((each, transform) => accepted(transform(each, random), name), example);
    });
    inputs[name] = stack(changed, name);
  }
  const changed = { inputs, targets: batch.targets };
  if (!batchTransform) return changed;
  const result = await batchTransform(changed, new Random(seed, epoch, numbers[0], -1));
  checkBatch(result, "DataLoader: batchTransform's result");
  return result;
}

function accepted(result: unknown, name: string): Tensor {
  if (result instanceof Tensor) return result;
  throw new Error(`DataLoader: a transform of '${name}' must return a Tensor, got ${String(result)}`);
}
