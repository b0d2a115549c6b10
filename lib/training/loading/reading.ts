import { checkBatch, stack, type Tensors, type TrainingBatch } from './batch.ts';
import type { ExampleSource } from './example-source.ts';

/** A batch as it was read, and the numbers of its examples. */
export interface NumberedBatch {
  readonly batch: TrainingBatch;
  readonly numbers: readonly number[];
}

/** The batches of an epoch, without the first `skipped` ones. */
export type BatchSource = (epoch: number, skipped: number) => AsyncGenerator<NumberedBatch>;

/** Examples that can be read in any order. */
export function inOrder(
  source: ExampleSource,
  orderOf: (epoch: number) => readonly number[],
  batchSize: number,
): BatchSource {
  return async function* (epoch, skipped) {
    const order = orderOf(epoch);
    for (let begin = skipped * batchSize; begin < order.length; begin += batchSize) {
      const numbers = order.slice(begin, begin + batchSize);
      yield { batch: await source.examples(numbers), numbers };
    }
  };
}

/**
 * Single examples that come one after the other, numbered as they come. What is skipped is read, too.
 * @throws (rejects) Error for what is no example, when fewer come than were there before, and when there are none, which is so for a
 * generator that was iterated before.
 */
export function inStream(source: AsyncIterable<TrainingBatch>, batchSize: number): BatchSource {
  return async function* (epoch, skipped) {
    let count = 0;
    let group: TrainingBatch[] = [];
    const batch = () => ({ batch: together(group), numbers: group.map((_, i) => count - group.length + i) });
    for await (const example of source) {
      checkBatch(example, `DataLoader: example ${count} of the iterable`);
      if (count++ < skipped * batchSize) continue;
      group.push(example);
      if (group.length < batchSize) continue;
      yield batch();
      group = [];
    }
    if (count === 0)
      throw new Error(
        `DataLoader: the iterable had no examples in epoch ${epoch}; it must begin anew whenever it is iterated, as a generator does not`,
      );
    if (count <= (skipped - 1) * batchSize)
      throw new Error(
        `DataLoader: the iterable had ${count} examples in epoch ${epoch}, but ${skipped} batches of ${batchSize} were given out before`,
      );
    if (group.length > 0) yield batch();
  };
}

/** Single examples as a batch. */
function together(examples: readonly TrainingBatch[]): TrainingBatch {
  const all = (kind: keyof TrainingBatch): Tensors => {
    const names = new Set(examples.flatMap((example) => Object.keys(example[kind])));
    const stacked = [...names].map((name) => {
      const tensors = examples.map((example) => example[kind][name]);
      if (tensors.includes(undefined as never))
        throw new Error(`DataLoader: some examples of a batch have ${kind}.${name}, and one has not`);
      return [name, stack(tensors, name)] as const;
    });
    return Object.fromEntries(stacked);
  };
  return { inputs: all('inputs'), targets: all('targets') };
}
