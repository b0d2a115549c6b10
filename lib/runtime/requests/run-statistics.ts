import type { NativeRunStatistics } from '../../native/run-types.ts';

/** How long it took to compute something, in nanoseconds. */
export interface ComputeDurations {
  /** To gather the inputs of requests that were computed together; 0 for one alone, which is computed in place. */
  readonly input: number;
  /** To run the plan: quantizing, layers and all. */
  readonly infer: number;
  /** To hand out the results of requests that were computed together; 0 for one alone. */
  readonly output: number;
}

/** What one request took. Those that were computed together each took the time of all. */
export interface RunTiming extends ComputeDurations {
  /** When the model's threads were given it, in nanoseconds on the clock of `process.hrtime`. */
  readonly start: number;
  /** How long it waited for one of them, in nanoseconds. */
  readonly queue: number;
  /** The samples that were computed together. */
  readonly batchSize: number;
}

/** Executions of one size. */
export interface BatchStatistics extends ComputeDurations {
  readonly executions: number;
}

/**
 * What `run` has computed so far; its durations are sums over requests (counterpart: Triton's statistics extension). Requests that failed, and
 * `runSync`, are not counted. If values decide sizes, a model has several stages: each of them executes.
 */
export interface RunStatistics extends ComputeDurations {
  readonly requests: number;
  /**
   * The sizes of their first dimensions, where that is a batch of samples that do not depend on each other; else one for each. With batching,
   * requests count as its sizes do.
   */
  readonly samples: number;
  /** Executions of a plan: one for all requests that were computed together. */
  readonly executions: number;
  /** How long requests waited for a thread, in nanoseconds. */
  readonly queue: number;
  /** Executions by the samples that were computed together. Of more than 1024, which only one request alone can have, the size is not told. */
  readonly batches: ReadonlyMap<number, BatchStatistics>;
}

/** The timing that the native executor returns as numbers. */
export const timingOf = ([start, queue, input, infer, output, batchSize]: readonly number[]): RunTiming => ({
  start,
  queue,
  input,
  infer,
  output,
  batchSize,
});

/** Of a request that was computed in several stages, one after the other. */
export function joinTimings(stages: readonly RunTiming[]): RunTiming {
  const sum = (name: 'queue' | 'input' | 'infer' | 'output') =>
    stages.reduce((total, timing) => total + timing[name], 0);
  return {
    ...stages[0],
    queue: sum('queue'),
    input: sum('input'),
    infer: sum('infer'),
    output: sum('output'),
  };
}

/**
 * @param requests those that were computed.
 * @param isWhole whether each is one run of the native executor: with several stages it is several, of one sample each.
 */
export function statisticsOf(native: NativeRunStatistics, requests: number, isWhole: boolean): RunStatistics {
  const { samples, executions, queue, input, infer, output } = native;
  return {
    requests,
    samples: isWhole ? samples : requests,
    executions,
    queue,
    input,
    infer,
    output,
    batches: new Map(native.batches.map(({ samples, ...batch }) => [samples, batch])),
  };
}
