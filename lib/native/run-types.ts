// The part of the native addon's contract that is about requests: computed together, and counted.

declare const batchBrand: unique symbol;
/** Requests that may be computed together, and the plans for so many samples of them. */
export interface NativeBatch {
  readonly [batchBrand]: true;
}

/** When requests are computed together. */
export interface NativeBatchOptions {
  /** The most samples of a batch. */
  readonly most: number;
  /** So many samples do not wait for more. */
  readonly enough: number;
  /** How long a request waits for others. */
  readonly delayMicroseconds: number;
}

/** Durations of runs, summed up, in nanoseconds: as those of one that `NativeExecutor.run` returns. */
export interface NativeRunDurations {
  readonly input: number;
  readonly infer: number;
  readonly output: number;
}

/** What `run` has computed so far. Runs that failed are not counted. */
export interface NativeRunStatistics extends NativeRunDurations {
  readonly samples: number;
  /** Runs that are computed together are one. */
  readonly executions: number;
  readonly queue: number;
  /** Executions by the number of samples that were computed together, up to 1024 of them. */
  readonly batches: readonly ({
    readonly samples: number;
    readonly executions: number;
  } & NativeRunDurations)[];
  /** Runs that are being computed now. */
  readonly running: number;
}
