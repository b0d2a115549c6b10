import type { NativeBatch } from '../../native/run-types.ts';
import { sumsExactly } from '../../plan/index.ts';
import { keyOf, type PlannedRequest, type Shapes } from '../planner.ts';
import type { RequestPlan, StagePlans } from '../stage-plans.ts';
import { BatchGroup } from './batch-group.ts';
import { type BatchingOptions, checkBatching } from './batching-options.ts';
import type { RequestQueue } from './queue.ts';

/** The most groups of requests whose plans are kept. */
const mostGroups = 16;

/** A request that may be computed together with others. */
export interface BatchedRequest {
  readonly native: NativeBatch;
  readonly samples: number;
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
      leave: () => group.leave(samples),
    };
  }

  /** Makes the plans of all sizes of batches. */
  async warmup(shapes: Shapes, alone: RequestPlan): Promise<void> {
    const group = this.#groupOf(shapes, alone);
    await group?.grow(group.samplesOf(shapes));
  }

  clear(): void {
    for (const group of this.#groups.values()) group.release();
    this.#groups.clear();
  }

  #groupOf(shapes: Shapes, alone: RequestPlan): BatchGroup | undefined {
    const known = this.#groupsOfPlans.get(alone.planned);
    if (known === null) return undefined;
    const group = known && !known.isReleased ? known : this.#findGroup(shapes, alone);
    this.#groupsOfPlans.set(alone.planned, group ?? null);
    if (group) this.#keep(group);
    return group;
  }

  #findGroup(shapes: Shapes, alone: RequestPlan): BatchGroup | undefined {
    const isExact = sumsExactly(alone.built.desc);
    const asOne = isExact && this.#plans.keepsSamplesApart;
    if (!isExact && this.#threadsPerStream > 1) return undefined;
    const key = keyOf(asOne ? shapes.map(([, ...rest]) => rest) : shapes);
    const known = this.#groups.get(key);
    if (known) return known;
    return new BatchGroup(key, this.#options, {
      samplesOf: asOne ? ([[samples]]) => samples : () => 1,
      planned: (samples) =>
        asOne
          ? this.#plans.planned(shapes.map(([, ...rest]) => [samples, ...rest]))
          : this.#plans.plannedApart(shapes, samples),
      make: (planned) => this.#plans.make(planned, this.#queue.arrive()),
    });
  }

  /** The group used last comes last. The first one is let go when there are too many. */
  #keep(group: BatchGroup): void {
    this.#groups.delete(group.key);
    this.#groups.set(group.key, group);
    if (this.#groups.size <= mostGroups) return;
    const [[oldest, dropped]] = this.#groups;
    this.#groups.delete(oldest);
    dropped.release();
  }
}
