import type { OptionNames } from '../options.ts';
import type { ModelMetadata } from './artifact.ts';
import type { Tuning } from './decisions.ts';
import type { ModelOutputs } from './signature.ts';
import type { ThreadOptions } from './threads.ts';

/** How a model uses the machine. */
export interface CompileOptions extends ThreadOptions {
  /**
   * Requests that may wait while as many run as there are streams; one more is rejected with {@link QueueFullError}.
   * Default 1024; Infinity for no bound.
   */
  readonly maxQueue?: number;
  /** Facts to keep with the model; they are saved and loaded with it. */
  readonly metadata?: ModelMetadata;
  /** What `tune` decided about the module; it is saved and loaded with it. */
  readonly tuning?: Tuning;
}

/** Names of the options of `loadModel`; metadata and tuning come from the file. */
export const loadOptions: OptionNames<Omit<CompileOptions, 'metadata' | 'tuning'>> = {
  preset: true,
  streams: true,
  threadsPerStream: true,
  maxQueue: true,
};

/** Names of the options of `compile`. */
export const compileOptions: OptionNames<CompileOptions> = { ...loadOptions, metadata: true, tuning: true };

/** How one request is served. */
export interface RunOptions {
  /**
   * Tensors that receive the results, instead of new ones. They must have the results' dtypes and shapes, and share memory
   * neither with each other nor with an input; any offset into an ArrayBuffer (a Node Buffer, say) or SharedArrayBuffer
   * will do. Nobody else may use them until the promise settles; what they hold is undefined if it is rejected.
   */
  readonly outputs?: ModelOutputs;
  /** Takes the request back as long as it has not started: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Names of the options of `run`. */
export const runOptions: OptionNames<RunOptions> = { outputs: true, signal: true };

/** What is written beside the model itself. */
export interface SaveOptions {
  /**
   * Store the weights, too, as the plans made so far have packed them for this CPU, so that a process that loads the file
   * need not: it reads them where oneDNN, its version and the instruction set that it uses are the same and the shapes are
   * those of these plans, and packs the plain ones as always where they are not. The file takes up to twice the size.
   * Default false.
   */
  readonly packedWeights?: boolean;
}

/** Names of the options of `save`. */
export const saveOptions: OptionNames<SaveOptions> = { packedWeights: true };
