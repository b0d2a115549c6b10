import { addon } from '../../native/addon.ts';
import type { NativeBatch, NativePlan } from '../../native/addon-types.ts';
import { checkOptions, type OptionNames } from '../../options.ts';
import { sumsExactly } from '../../plan/index.ts';
import type { PlannedRequest, Shapes } from '../planner.ts';
import type { Plan, RequestPlan, StagePlans } from '../stage-plans.ts';
import type { RequestQueue } from './queue.ts';

/**
 * How waiting requests are computed together (counterpart: `dynamic_batching` of Triton Inference Server). Each has the result that it has
 * alone, bit for bit. So these are computed one by one all the same: requests of different shapes; floating-point layers on several threads, whose
 * sums depend on how they are divided (`threadsPerStream: 1` batches them); models of which values decide sizes.
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

/** The most groups of requests whose plans are kept. */
const mostGroups = 16;

const mostSamples = 1024;
const longestDelay = 60_000;

function checkBatching(given: BatchingOptions): Required<BatchingOptions> {
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

/** A request that may be computed together with others. */
export interface BatchedRequest {
  readonly native: NativeBatch;
  readonly samples: number;
  /** @param size the samples of its batch. */
  computed(size: number): void;
  leave(): void;
}

/**
 * Groups requests that can be computed together. A worker that becomes free takes the first request that waits, and with it as
 * many others of its group, in their order, as there is a plan for:
 *
 *     waiting   a1 a2 b1 a3 b2 a4        computed   a1 a2 a3 a4 │ b1 b2
 *
 * Results are those that each request alone has, bit for bit. So a batch is one plan for all samples only where products are
 * of 8-bit integers, whose sums are exact, and samples do not depend on each other. Else each request of a batch is a part of
 * its own, on one thread: that is what it is alone, too, on a stream of one thread. Where neither holds, requests
 * are computed one by one.
 */
export class Batcher {
  readonly #plans: StagePlans;
  readonly #options: Required<BatchingOptions>;
  readonly #threadsPerStream: number;
  readonly #queue: RequestQueue;
  readonly #groups = new Map<string, BatchGroup>();
  /** The groups of requests seen before; null where there is none. */
  readonly #groupsOfPlans = new WeakMap<PlannedRequest, BatchGroup | null>();
  /** Samples that were computed, by the size of their batch. */
  readonly #samples = new Map<number, number>();

  private constructor(
    plans: StagePlans,
    options: Required<BatchingOptions>,
    threadsPerStream: number,
    queue: RequestQueue,
  ) {
    this.#plans = plans;
    this.#options = options;
    this.#threadsPerStream = threadsPerStream;
    this.#queue = queue;
  }

  /**
   * Undefined if none is wanted, or if values decide sizes, so that the model has several stages: every request has other plans then.
   * @param stages the plans of each stage.
   * @param queue gives numbers to plans that are compiled.
   * @throws Error that says which option is wrong, and what would be right.
   */
  static of(
    options: BatchingOptions | undefined,
    stages: readonly StagePlans[],
    threadsPerStream: number,
    queue: RequestQueue,
  ): Batcher | undefined {
    if (options === undefined) return undefined;
    const checked = checkBatching(options);
    return stages.length === 1 ? new Batcher(stages[0], checked, threadsPerStream, queue) : undefined;
  }

  /** The number of batches, by their size. */
  get batches(): ReadonlyMap<number, number> {
    return new Map([...this.#samples].map(([size, samples]) => [size, Math.ceil(samples / size)]));
  }

  /**
   * Counts a request that is about to wait; undefined if it cannot be computed together with others.
   * @param alone the plan of the request.
   */
  enter(shapes: Shapes, alone: RequestPlan): BatchedRequest | undefined {
    const group = this.#groupOf(shapes, alone);
    if (!group) return undefined;
    const samples = group.samplesOf(shapes);
    group.enter(samples);
    return {
      native: group.native,
      samples,
      computed: (size) => this.#samples.set(size, (this.#samples.get(size) ?? 0) + samples),
      leave: () => group.leave(samples),
    };
  }

  /** Makes the plans of all sizes of batches. */
  async warmup(shapes: Shapes, alone: RequestPlan): Promise<void> {
    await this.#groupOf(shapes, alone)?.grow();
  }

  clear(): void {
    for (const group of this.#groups.values()) group.release();
    this.#groups.clear();
  }

  #groupOf(shapes: Shapes, alone: RequestPlan): BatchGroup | undefined {
    const known = this.#groupsOfPlans.get(alone.planned);
    if (known !== undefined && !known?.isReleased) return known ?? undefined;
    const group = this.#findGroup(shapes, alone);
    this.#groupsOfPlans.set(alone.planned, group ?? null);
    return group;
  }

  #findGroup(shapes: Shapes, alone: RequestPlan): BatchGroup | undefined {
    const isExact = sumsExactly(alone.built.desc);
    const asOne = isExact && this.#plans.keepsSamplesApart;
    if (!isExact && this.#threadsPerStream > 1) return undefined;
    const key = (asOne ? shapes.map(([, ...rest]) => rest) : shapes).map(String).join(';');
    const known = this.#groups.get(key);
    if (known) return known;
    const group = new BatchGroup(this.#options, {
      samplesOf: asOne ? ([[samples]]) => samples : () => 1,
      planned: (samples) =>
        asOne
          ? this.#plans.planned(shapes.map(([, ...rest]) => [samples, ...rest]))
          : this.#plans.plannedApart(shapes, samples),
      make: (planned) => this.#plans.make(planned, this.#queue.arrive()),
    });
    this.#insert(key, group);
    return group;
  }

  #insert(key: string, group: BatchGroup): void {
    this.#groups.set(key, group);
    if (this.#groups.size <= mostGroups) return;
    const [[oldest, dropped]] = this.#groups;
    this.#groups.delete(oldest);
    dropped.release();
  }
}

/** How a group's batches are planned. */
interface BatchPlanning {
  /** What a request of these shapes counts for. */
  samplesOf(shapes: Shapes): number;
  planned(samples: number): PlannedRequest;
  make(planned: PlannedRequest): Promise<Plan>;
}

/** Requests that can be computed together, and the plans for the sizes of their batches. */
export class BatchGroup {
  readonly native: NativeBatch;
  readonly #planning: BatchPlanning;
  /** Sizes without a plan, the smallest first. */
  #missing: readonly number[];
  #growth: Promise<void> | undefined;
  /** By their keys: several sizes may be as many parts of one plan. */
  readonly #made = new Map<string, NativePlan>();
  #waiting = 0;
  #released = false;

  constructor(
    { maxBatchSize, maxQueueDelay, preferredBatchSizes }: Required<BatchingOptions>,
    planning: BatchPlanning,
  ) {
    this.native = addon.batch({
      most: maxBatchSize,
      enough: Math.min(maxBatchSize, ...preferredBatchSizes),
      delayMicroseconds: Math.round(1000 * maxQueueDelay),
    });
    this.#planning = planning;
    this.#missing = sizesUpTo(maxBatchSize, preferredBatchSizes);
  }

  samplesOf(shapes: Shapes): number {
    return this.#planning.samplesOf(shapes);
  }

  /** Counts a request that is about to wait. Plans for batches are made when there are as many as would fill them. */
  enter(samples: number): void {
    this.#waiting += samples;
    if (this.#waiting > (this.#missing[0] ?? Infinity)) void this.#growing();
  }

  leave(samples: number): void {
    this.#waiting -= samples;
  }

  get isReleased(): boolean {
    return this.#released;
  }

  /** Makes the plans of all sizes. */
  async grow(): Promise<void> {
    while (this.#missing.length > 0 && !this.#released) await this.#growing();
  }

  release(): void {
    this.#released = true;
    this.#made.clear();
    addon.releaseBatch(this.native);
  }

  /** One plan after the other. */
  #growing(): Promise<void> {
    this.#growth ??= this.#growOnce().finally(() => {
      this.#growth = undefined;
    });
    return this.#growth;
  }

  async #growOnce(): Promise<void> {
    const [samples, ...rest] = this.#missing;
    try {
      const planned = this.#planning.planned(samples);
      const native = this.#made.get(planned.key) ?? (await this.#planning.make(planned)).native;
      this.#made.set(planned.key, native);
      if (!this.#released) addon.addBatchPlan(this.native, samples, native, planned.parts);
      this.#missing = rest;
    } catch {
      // Too large for this machine, or the model was disposed: smaller batches serve the requests.
      this.#missing = [];
    }
  }
}

/** Powers of two, so that the plans are few, the largest size and the preferred ones. */
function sizesUpTo(most: number, preferred: readonly number[]): number[] {
  const sizes = new Set([most, ...preferred]);
  for (let size = 2; size < most; size *= 2) sizes.add(size);
  return [...sizes].sort((a, b) => a - b);
}
