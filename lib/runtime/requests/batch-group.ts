import { addon } from '../../native/addon.ts';
import type { NativePlan } from '../../native/addon-types.ts';
import type { NativeBatch } from '../../native/run-types.ts';
import type { PlannedRequest, Shapes } from '../planner.ts';
import type { Plan } from '../stage-plans.ts';
import type { BatchingOptions } from './batching-options.ts';

/** The most numbers of samples for which batches have sizes of their own. */
const mostSeen = 4;

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
  /** Equal for requests that can be computed together. */
  readonly key: string;
  readonly #planning: BatchPlanning;
  readonly #most: number;
  /** Numbers of samples that requests have had. */
  readonly #seen = new Set<number>();
  /** Sizes without a plan, the smallest first. */
  #missing: readonly number[];
  /** Sizes that have a plan, or cannot have one. */
  readonly #planned = new Set<number>();
  #growth: Promise<void> | undefined;
  /** By their keys: several sizes may be as many parts of one plan. */
  readonly #made = new Map<string, NativePlan>();
  #waiting = 0;
  #released = false;

  constructor(
    key: string,
    { maxBatchSize, maxQueueDelay, preferredBatchSizes }: Required<BatchingOptions>,
    planning: BatchPlanning,
  ) {
    this.key = key;
    this.native = addon.batch({
      most: maxBatchSize,
      enough: Math.min(maxBatchSize, ...preferredBatchSizes),
      delayMicroseconds: Math.round(1000 * maxQueueDelay),
    });
    this.#planning = planning;
    this.#most = maxBatchSize;
    this.#missing = [...preferredBatchSizes, maxBatchSize].sort((a, b) => a - b);
  }

  samplesOf(shapes: Shapes): number {
    return this.#planning.samplesOf(shapes);
  }

  /** Counts a request that is about to wait. A batch has a plan as soon as requests have come that would fill it. */
  enter(samples: number): void {
    this.#waiting += samples;
    this.#see(samples);
    if (this.#waiting >= (this.#missing[0] ?? Infinity)) void this.#growing();
  }

  leave(samples: number): void {
    this.#waiting -= samples;
  }

  get isReleased(): boolean {
    return this.#released;
  }

  /** Makes the plans of all batches of such requests. */
  async grow(samples: number): Promise<void> {
    this.#see(samples);
    while (this.#missing.length > 0 && !this.#released) await this.#growing();
  }

  release(): void {
    this.#released = true;
    addon.releaseBatch(this.native);
    for (const plan of this.#made.values()) addon.releasePlan(plan);
    this.#made.clear();
  }

  /**
   * Batches are of twice as many samples as a request, and twice as many again, so that the plans are few. Requests of many
   * different sizes fill those of the first few.
   */
  #see(samples: number): void {
    if (this.#seen.has(samples) || this.#seen.size >= mostSeen) return;
    this.#seen.add(samples);
    const sizes = new Set(this.#missing);
    for (let size = 2 * samples; size < this.#most; size *= 2) if (!this.#planned.has(size)) sizes.add(size);
    this.#missing = [...sizes].sort((a, b) => a - b);
  }

  /** One plan after the other. */
  #growing(): Promise<void> {
    this.#growth ??= this.#growOnce().finally(() => {
      this.#growth = undefined;
    });
    return this.#growth;
  }

  async #growOnce(): Promise<void> {
    const [samples] = this.#missing;
    try {
      const planned = this.#planning.planned(samples);
      const native = this.#made.get(planned.key) ?? (await this.#planning.make(planned)).native;
      if (this.#released) {
        addon.releasePlan(native);
        return;
      }
      this.#made.set(planned.key, native);
      addon.addBatchPlan(this.native, samples, native, planned.parts);
    } catch (error) {
      // Of a model that was disposed of nobody waits for it.
      if (!this.#released)
        process.emitWarning(
          `requests are not computed together as batches of ${samples}: ${(error as Error).message}`,
          { code: 'OCTAVO_NO_BATCH' },
        );
    }
    this.#planned.add(samples);
    this.#missing = this.#missing.filter((size) => size !== samples);
  }
}
