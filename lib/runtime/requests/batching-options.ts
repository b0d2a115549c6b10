import { checkOptions, type OptionNames } from '../../options.ts';

/**
 * How waiting requests are computed together (counterpart: `dynamic_batching` of Triton Inference Server). Each has the result that it has
 * alone, bit for bit. So these are computed one by one all the same: requests of different shapes; floating-point layers on several threads, whose
 * sums depend on how they are divided (`threadsPerStream: 1` batches them); models of which values decide sizes. Plans of batches are kept for the 16 shapes used last.
 *
 * @example
 * const model = await loadModel('resnet50.octavo', { batching: { maxBatchSize: 16 } });
 * await model.warmup([1, 3, 224, 224]); // also for 2, 4, 8 and 16 samples
 * const results = await Promise.all(images.map((image) => model.run(image)));
 */
export interface BatchingOptions {
  /** The most samples that are computed at once: a whole number from 2 to 1024. */
  readonly maxBatchSize: number;
  /**
   * How long a request waits for others when a stream is free, in milliseconds, at most a minute. Default 0: what has come
   * together while all streams were busy starts at once, so that batching makes no request wait.
   */
  readonly maxQueueDelay?: number;
  /** Sizes that do not wait any longer for more; only with `maxQueueDelay`. Default: `maxBatchSize`. */
  readonly preferredBatchSizes?: readonly number[];
}

const batchingOptions: OptionNames<BatchingOptions> = {
  maxBatchSize: true,
  maxQueueDelay: true,
  preferredBatchSizes: true,
};

const mostSamples = 1024;
const longestDelay = 60_000;

export function checkBatching(given: BatchingOptions): Required<BatchingOptions> {
  checkOptions(given, batchingOptions, 'compile: batching');
  const { maxBatchSize, maxQueueDelay = 0, preferredBatchSizes = [] } = given;
  const refuse = (name: string, right: string, value: unknown): never => {
    throw new Error(
      `compile: batching.${name} must be ${right}, got ${JSON.stringify(value) ?? String(value)}`,
    );
  };
  const isSize = (size: unknown, most: number) =>
    Number.isInteger(size) && Number(size) >= 2 && Number(size) <= most;
  if (!isSize(maxBatchSize, mostSamples))
    refuse('maxBatchSize', `a whole number from 2 to ${mostSamples}`, maxBatchSize);
  if (!(typeof maxQueueDelay === 'number' && maxQueueDelay >= 0 && maxQueueDelay <= longestDelay))
    refuse('maxQueueDelay', `from 0 to ${longestDelay} milliseconds`, maxQueueDelay);
  if (!Array.isArray(preferredBatchSizes) || !preferredBatchSizes.every((size) => isSize(size, maxBatchSize)))
    refuse(
      'preferredBatchSizes',
      `whole numbers from 2 to maxBatchSize (${maxBatchSize})`,
      preferredBatchSizes,
    );
  if (preferredBatchSizes.length > 0 && maxQueueDelay === 0)
    throw new Error(
      'compile: batching.preferredBatchSizes says when to stop waiting; it needs a maxQueueDelay',
    );
  return { maxBatchSize, maxQueueDelay, preferredBatchSizes };
}
