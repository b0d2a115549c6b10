import { setImmediate } from 'node:timers/promises';
import { Dataset } from '../../data/index.ts';
import { Generator } from '../../nn/generator.ts';
import { checkOptions, type OptionNames } from '../../options.ts';
import { checkCount, checkState } from '../checks.ts';
import type { BatchTransform, Transform } from '../transforms/transform.ts';
import type { TrainingBatch } from './batch.ts';
import { exampleSource } from './example-source.ts';
import { randperm } from './random.ts';
import { type BatchSource, inOrder, inStream } from './reading.ts';
import { type BatchTransforms, transformBatch } from './transform-batch.ts';

/** Options of {@link DataLoader}. */
export interface DataLoaderOptions {
  /** Examples a batch. */
  readonly batchSize: number;
  /** Whether every epoch has an order of its own; default false. */
  readonly shuffle?: boolean;
  /** Decides the orders, and the random numbers of transforms; default 0. */
  readonly seed?: number;
  /** Whether a last batch of fewer examples is left out; default false. */
  readonly dropLast?: boolean;
  /** What is done to each example of an input, by the input's name, one after the other. */
  readonly transforms?: Readonly<Record<string, readonly Transform[]>>;
  /** What is done to each batch after that. */
  readonly batchTransform?: BatchTransform;
}

const loaderOptions: OptionNames<DataLoaderOptions> = {
  batchSize: true,
  shuffle: 'boolean',
  seed: true,
  dropLast: 'boolean',
  transforms: true,
  batchTransform: true,
};

/** Where a loader stands: plain values, for JSON. */
export interface DataLoaderState {
  readonly epoch: number;
  /** Batches of the epoch that were given out. */
  readonly position: number;
  /** What decides the batches that follow. */
  readonly options: {
    readonly size: number | null;
    readonly batchSize: number;
    readonly shuffle: boolean;
    readonly seed: number;
    readonly dropLast: boolean;
  };
}

/**
 * Examples as batches, epoch after epoch (counterparts: `torch.utils.data.DataLoader`, and torchdata's `StatefulDataLoader`). One
 * iteration is what is left of an epoch: all of it, or, where the one before was left early or a state was loaded, the rest. The next
 * batch is made while the caller waits for a training step.
 *
 *     const loader = new DataLoader(
 *       { inputs: { x }, targets: { labels } },
 *       { batchSize: 64, shuffle: true, dropLast: true, transforms: { x: [transforms.randomHorizontalFlip()] } },
 *     );
 *     while (loader.epoch < 5)
 *       for await (const { inputs, targets } of loader) await trainer.step(inputs, targets);
 *
 * Orders are those of `torch.utils.data.DistributedSampler(dataset, num_replicas=1, rank=0, seed=seed)`.
 */
export class DataLoader implements AsyncIterable<TrainingBatch> {
  /** Batches an epoch (`len(loader)`); undefined where the source is an iterable. */
  readonly length: number | undefined;
  /** Examples of the source; undefined where it is an iterable. */
  readonly size: number | undefined;
  readonly batchSize: number;
  readonly #options: Omit<DataLoaderState['options'], 'size'> & BatchTransforms;
  readonly #source: BatchSource;
  #epoch = 0;
  #position = 0;
  /** Changes whenever an iteration begins or a state is loaded, which ends those before. */
  #turn = 0;

  /**
   * @param source tensors by name, whose first axis counts the examples; a dataset of `readDataset`, whose classes become the target
   * `labels` of int64; or an iterable of single examples that can be iterated anew for every epoch.
   * @throws Error for an unknown option or one out of its range, for tensors of different lengths or none, and for an iterable that is to
   * be shuffled.
   */
  constructor(source: Dataset | TrainingBatch | AsyncIterable<TrainingBatch>, options: DataLoaderOptions) {
    checkOptions(options, loaderOptions, 'DataLoader');
    const {
      batchSize,
      shuffle = false,
      seed = 0,
      dropLast = false,
      transforms = {},
      batchTransform,
    } = options;
    checkCount(batchSize, 'batchSize', 'DataLoader');
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new Error(`DataLoader: seed must be a whole number, 0 or more, got ${String(seed)}`);
    checkTransforms(transforms, batchTransform);
    this.#options = { batchSize, shuffle, seed, dropLast, transforms, batchTransform };
    this.batchSize = batchSize;
    if (isIterable(source)) {
      if (shuffle)
        throw new Error(
          'DataLoader: an iterable is read in its own order; shuffle needs tensors, or a dataset of readDataset',
        );
      this.#source = inStream(source, batchSize);
      return;
    }
    const examples = exampleSource(source);
    const { size } = examples;
    if (dropLast && size < batchSize) throw noFullBatch(size, batchSize);
    const orderOf = (epoch: number) =>
      shuffle ? randperm(size, new Generator(seed + epoch)) : Array.from({ length: size }, (_, i) => i);
    this.#source = inOrder(examples, orderOf, batchSize);
    this.size = size;
    this.length = dropLast ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
  }

  /** The epoch that the next iteration belongs to, from 0. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Batches of this epoch that were given out. */
  get position(): number {
    return this.#position;
  }

  /**
   * The batches that are left of the epoch.
   * @throws (rejects) Error when an example cannot be read or is none, a transform fails, an iterable has too few examples for a batch
   * where the last one is dropped, and when another iteration began meanwhile.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<TrainingBatch> {
    const turn = ++this.#turn;
    const batches = this.#batches();
    let next = settled(batches.next());
    try {
      while (true) {
        const { done, value } = await next;
        if (turn !== this.#turn)
          throw new Error(
            'DataLoader: another iteration has begun, or a state was loaded; this one has ended',
          );
        if (done) break;
        // Not before the caller had its turn: it starts the step that this batch is made beside.
        next = settled(setImmediate().then(() => batches.next()));
        this.#position++;
        yield value;
      }
      this.#epoch++;
      this.#position = 0;
    } finally {
      // Not awaited: a source closes when what it waits for has come, which may be never.
      settled(batches.return(undefined));
    }
  }

  /** Where the loader stands, also in the middle of an epoch (`state_dict`). */
  stateDict(): DataLoaderState {
    const { batchSize, shuffle, seed, dropLast } = this.#options;
    return {
      epoch: this.#epoch,
      position: this.#position,
      options: { size: this.size ?? null, batchSize, shuffle, seed, dropLast },
    };
  }

  /**
   * Goes on where another loader of the same examples stood (`load_state_dict`): the batches that follow are the same, bit for bit.
   * @throws Error that says what differs, when the state is none, or that one had another number of examples or other options.
   */
  loadStateDict(state: DataLoaderState): void {
    checkState(state, 'DataLoader');
    const { options } = this.stateDict();
    for (const name of Object.keys(options) as (keyof typeof options)[])
      if (state.options?.[name] !== options[name])
        throw new Error(
          `DataLoader: the state is that of a loader with ${name} ${state.options?.[name]}; this one has ${options[name]}`,
        );
    for (const name of ['epoch', 'position'] as const)
      if (!Number.isSafeInteger(state[name]) || state[name] < 0)
        throw new Error(`DataLoader: ${name} must be a whole number, got ${String(state[name])}`);
    if (state.position > (this.length ?? Number.POSITIVE_INFINITY))
      throw new Error(`DataLoader: position ${state.position} is past the epoch's ${this.length} batches`);
    this.#turn++;
    this.#epoch = state.epoch;
    this.#position = state.position;
  }

  async *#batches(): AsyncGenerator<TrainingBatch> {
    const { batchSize, dropLast } = this.#options;
    const epoch = this.#epoch;
    let made = this.#position;
    for await (const { batch, numbers } of this.#source(epoch, made)) {
      if (numbers.length < batchSize && dropLast) {
        // Only now it is known how many an iterable has.
        if (made === 0) throw noFullBatch(numbers.length, batchSize);
        return;
      }
      yield await transformBatch(batch, numbers, epoch, this.#options);
      made++;
    }
  }
}

const noFullBatch = (size: number, batchSize: number) =>
  new Error(`DataLoader: ${size} examples make no batch of ${batchSize}, and dropLast leaves others out`);

/** Node ends a process for a rejection that nobody waits for yet; who waits later still gets it. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

const isIterable = (source: unknown): source is AsyncIterable<TrainingBatch> =>
  typeof source === 'object' &&
  source !== null &&
  Symbol.asyncIterator in source &&
  !(source instanceof Dataset);

function checkTransforms(transforms: unknown, batchTransform: unknown): void {
  const isList = (list: unknown) => Array.isArray(list) && list.every((each) => typeof each === 'function');
  if (typeof transforms !== 'object' || transforms === null || !Object.values(transforms).every(isList))
    throw new Error(
      'DataLoader: transforms must hold a list of functions for each input: { x: [randomCrop(32)] }',
    );
  if (batchTransform !== undefined && typeof batchTransform !== 'function')
    throw new Error(`DataLoader: batchTransform must be a function, got ${String(batchTransform)}`);
}
