import type { ModelOutputs } from '../graph/index.ts';
import type { OptionNames } from '../options.ts';
import type { ModelMetadata } from './artifact.ts';
import type { Tuning } from './decisions.ts';
import type { BatchingOptions } from './requests/batching-options.ts';
import type { RunTiming } from './requests/run-statistics.ts';
import type { ThreadOptions } from './threads.ts';

/** How a model uses the machine. */
export interface CompileOptions extends ThreadOptions {
  /**
   * Requests that may wait while `streams` others run; one more is rejected with {@link QueueFullError}. Default 1024;
   * Infinity for no bound.
   */
  readonly maxQueue?: number;
  /** Lets requests that wait be computed together: more of them a second, each with the result that it has alone, bit for bit. */
  readonly batching?: BatchingOptions;
  /** Facts to store with the model; they are saved and loaded with it. */
  readonly metadata?: ModelMetadata;
  /** `tune`'s decisions about the module; they are saved and loaded with it. */
  readonly tuning?: Tuning;
}

/** Names of the options of `loadModel`; metadata and tuning come from the file. */
export const loadOptions: OptionNames<Omit<CompileOptions, 'metadata' | 'tuning'>> = {
  preset: true,
  streams: true,
  threadsPerStream: true,
  maxQueue: true,
  batching: true,
};

/** Names of the options of `compile`. */
export const compileOptions: OptionNames<CompileOptions> = { ...loadOptions, metadata: true, tuning: true };

/** How one request is served. */
export interface RunOptions {
  /**
   * Tensors that receive the results, with the results' dtypes and shapes. They share memory neither with each other nor
   * with an input; any offset into an ArrayBuffer (a Node Buffer, say) or SharedArrayBuffer works. Nothing else may use
   * them until the promise settles; their contents are undefined if it is rejected.
   */
  readonly outputs?: ModelOutputs;
  /** Withdraws the request if it has not started: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Waiting requests of a lower number start first, those of the same one in order of arrival: a whole number from 0 to 255; default 128.
   */
  readonly priority?: number;
  /** Is told what the request took, once it is computed and before the promise is resolved. A request that fails tells nothing. */
  readonly onTiming?: (timing: RunTiming) => void;
}

/** Names of the options of `run`. */
export const runOptions: OptionNames<RunOptions> = {
  outputs: true,
  signal: true,
  priority: true,
  onTiming: true,
};

/** What is written in addition to the model itself. */
export interface SaveOptions {
  /**
   * Also stores the weights as the plans made so far have packed them for this CPU. A process that loads the file reads
   * them if oneDNN, its version and its instruction set are the same, and the shapes are those of these plans.
   * Otherwise it packs the plain weights as always. The file is up to twice as large. Default false.
   */
  readonly packedWeights?: boolean;
}

/** Names of the options of `save`. */
export const saveOptions: OptionNames<SaveOptions> = { packedWeights: 'boolean' };
