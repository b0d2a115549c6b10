// The contract with the native addon: everything that JavaScript may ask of C++ is declared here.
import type { DType, TensorData } from '../tensor/index.ts';
import type { RawCpu } from './raw-cpu.ts';
import type { NativeBatch, NativeBatchOptions, NativeRunStatistics } from './run-types.ts';
import type { StepName } from './step-name.ts';

/** One attribute of a step; nested records describe post-operations. */
export type AttributeValue =
  | number
  | boolean
  | string
  | readonly number[]
  | Float32Array
  | readonly Attributes[];
/** A plan converts each object once, whichever plans it is in: it must not change afterwards. */
export interface Attributes {
  readonly [name: string]: AttributeValue;
}

/**
 * A tensor as a native step sees it: logical shape (NCHW for images in any memory order) and strides in elements.
 * Row-major if strides are absent.
 */
export interface TensorDesc {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
}

/** One native step: which primitive, for which node (named in errors), and how. */
export interface StepDesc {
  /** Name in the native table, which has those of {@link StepName} and refuses others. */
  readonly op: string;
  /** The graph node this step computes, for error messages and traces. */
  readonly node: string;
  readonly attributes: Attributes;
}

declare const constantBrand: unique symbol;
/**
 * A weight held natively, reordered once per layout and shared by all plans that use it. Its row-major form is a copy of
 * JavaScript's memory, or is read from a file whenever it is needed.
 */
export interface NativeConstant {
  readonly [constantBrand]: true;
  readonly byteLength: number;
}

declare const weightFileBrand: unique symbol;
/** A file that constants are in. It is open as long as this or one of them exists. */
export interface NativeWeightFile {
  readonly [weightFileBrand]: true;
}

/** The place of a plan's value during a run. Offsets are bytes, 0 if absent. */
export type Storage =
  | { readonly kind: 'input'; readonly index: number; readonly offset?: number }
  | { readonly kind: 'output'; readonly index: number; readonly offset?: number }
  | { readonly kind: 'arena'; readonly offset: number }
  | { readonly kind: 'constant'; readonly constant: NativeConstant };

export interface PlanValue extends TensorDesc {
  readonly storage: Storage;
}

export interface PlanStep extends StepDesc {
  readonly op: StepName;
  /** Indices into the plan's values. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** A whole network, ready to be compiled natively. */
export interface PlanDesc {
  /** The caller's arrays, in the order in which `run` receives them: each must have exactly this many elements. */
  readonly inputs: readonly TensorDesc[];
  readonly outputs: readonly TensorDesc[];
  readonly values: readonly PlanValue[];
  readonly steps: readonly PlanStep[];
  readonly arenaBytes: number;
  /** OpenMP threads that share each of its steps: at most the executor's `threadsPerStream`. */
  readonly threads: number;
  /**
   * Parts of a request that are computed at the same time, each on one thread: at most `threadsPerStream`, and 1 if
   * `threads` is more.
   */
  readonly lanes: number;
}

/** A way to compute a step that was passed over. */
export interface RejectedImplementation {
  /**
   * oneDNN's implementation (`brgconv:avx512_core_amx_int8`), or one of the ways that Octavo considers for a layer
   * (`octavo:exact`, `oneDNN in blocks of channels`).
   */
  readonly implementation: string;
  /** `compensates wrongly for wide padding, or crashes` */
  readonly reason: string;
}

/** A compiled step. */
export interface CompiledStep {
  readonly node: string;
  readonly op: string;
  /**
   * oneDNN's `impl_info_str` (`brgconv:avx512_core_vnni`), several joined by `+`; `octavo:*` for Octavo's own loops.
   */
  readonly implementation: string;
  /** What is preferred to this implementation and could not be taken, in order of preference. */
  readonly rejections: readonly RejectedImplementation[];
  readonly scratchpadBytes: number;
}

/** A constant to create, and the place of its elements in a file. */
export interface StoredConstantDesc {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** In bytes, from the beginning of the file. */
  readonly position: number;
  /** What its bytes have to be, if that is known: their CRC-32, and what messages call them. */
  readonly checksum?: { readonly crc32: number; readonly name: string } | undefined;
  /** Its packed forms in the same file, packed under the same {@link Addon.packing}. */
  readonly forms?: readonly StoredFormDesc[] | undefined;
}

/** A packed form of a constant, and its place in a file. */
export interface StoredFormDesc {
  readonly key: string;
  readonly position: number;
  readonly byteLength: number;
}

/** A form that a primitive has packed, or found in the file. */
export interface PackedFormDesc {
  /** All that the bytes depend on in addition to the constant's elements and {@link Addon.packing}. */
  readonly key: string;
  readonly byteLength: number;
  /** Whether the key means the same in another process. */
  readonly isLasting: boolean;
  readonly isFromFile: boolean;
}

declare const planBrand: unique symbol;
/** A compiled plan; belongs to the executor that compiled it. */
export interface NativePlan {
  readonly [planBrand]: true;
  readonly steps: readonly CompiledStep[];
}

/**
 * A model's own threads: `streams` workers of `threadsPerStream` OpenMP threads each. Plans are compiled on a worker, so
 * primitives are created under the thread count that executes them.
 */
export interface NativeExecutor {
  /** `arrival`: see `run`. */
  compile(plan: PlanDesc, arrival?: number): Promise<NativePlan>;
  compileSync(plan: PlanDesc): NativePlan;
  /**
   * Input and output arrays must stay untouched until the promise settles. No output may share memory with another or with
   * an input.
   * @param parts the number of the plan's inputs and outputs that the arrays hold, concatenated; 1 if absent.
   * @param arrival a number: waiting requests start in the order of their numbers, those without one last.
   * @param batch what the request may be computed together with, in copies of its inputs and outputs. One that fails does not make the
   * others fail.
   * @param samples how many samples it is, of the batch if there is one; 1 if absent.
   * @param wantsTiming whether to return what it took.
   * @returns when it was submitted, on the clock of `process.hrtime`; how long it waited; how long its inputs were gathered, it was
   * computed, and its outputs were handed out, together with others of its batch; the samples that were computed together. All in
   * nanoseconds.
   */
  run(
    plan: NativePlan,
    inputs: readonly TensorData[],
    outputs: readonly TensorData[],
    parts?: number,
    arrival?: number,
    batch?: NativeBatch,
    samples?: number,
    wantsTiming?: boolean,
  ): Promise<readonly number[] | undefined>;
  /** What runs have taken so far. Also of an executor that is disposed. */
  statistics(): NativeRunStatistics;
  /**
   * Withdraws the waiting request `arrival`: its promise is rejected with `reason`.
   * @returns false if it is not waiting: it runs, or has settled.
   */
  withdraw(arrival: number, reason: unknown): boolean;
  /**
   * Waits a few microseconds, without sleep, for a promise that is likely to settle soon.
   * @returns whether to wait on: not if none does, nor for long, nor where other threads need this one's CPU.
   */
  attend(): boolean;
  runSync(
    plan: NativePlan,
    inputs: readonly TensorData[],
    outputs: readonly TensorData[],
    parts?: number,
  ): void;
  /**
   * Like `runSync`. Returns for each part the lane that computed it, then two numbers for each step, in nanoseconds:
   * its start on the clock of `process.hrtime`, and its duration.
   */
  profile(
    plan: NativePlan,
    inputs: readonly TensorData[],
    outputs: readonly TensorData[],
    parts?: number,
  ): Float64Array;
  /** Finishes what runs, rejects what waits, ends the threads. Safe to call twice. */
  dispose(): void;
}

/** The oneDNN that the addon was built with, and how it computes. */
export interface OneDnnVersion {
  readonly version: string;
  /** `omp`, `tbb`, `seq`, … */
  readonly runtime: string;
  /** The widest instruction set oneDNN will use, as it names it: `avx512_core_vnni`. */
  readonly isa: string;
  /**
   * Whether its int8 kernels add pairs of products in 16 bits, where large ones saturate: true without VNNI. Octavo's
   * own kernels compute such layers.
   */
  readonly int8SumsSaturate: boolean;
  /**
   * Whether its float32 convolutions are fastest on images whose channels are stored in blocks of eight, as on AVX2.
   */
  readonly prefersChannelBlocks: boolean;
}

/** Statistics of float32 arrays, one pass over memory each. Arithmetic is PyTorch's, to the last bit. */
export interface ObserveKernels {
  /**
   * Smallest and largest element of every channel of `data`, seen as `[outer, minima.length, inner]`
   * (`torch.aminmax`). No elements: +Infinity and -Infinity. NaNs are passed over.
   * @returns whether `data` holds a NaN.
   */
  minMax(
    data: Float32Array,
    outer: number,
    inner: number,
    minima: Float32Array,
    maxima: Float32Array,
  ): boolean;
  /** Counts of `data` in equal bins of `[min, max]`, `min < max` (`torch.histc`). */
  histogram(data: Float32Array, min: number, max: number, bins: number): Float32Array;
  /** Adds `counts`, over `[fromMin, fromMax]`, to `sums`, over the wider `[toMin, toMax]`. */
  rescaleHistogram(
    counts: Float32Array,
    fromMin: number,
    fromMax: number,
    toMin: number,
    toMax: number,
    sums: Float32Array,
  ): void;
  /** First and last bin of the part that is best laid over `levels` quantization levels. */
  searchHistogram(
    counts: Float32Array,
    min: number,
    max: number,
    levels: number,
  ): { readonly first: number; readonly last: number };
}

export interface Addon {
  oneDnnVersion(): OneDnnVersion;
  rawCpu(): RawCpu;
  /** The CPUs that the calling thread may use from now on, and so may threads and processes that it starts. */
  bindThread(cpus: readonly number[]): void;
  createConstant(dtype: DType, shape: readonly number[], data: TensorData): NativeConstant;
  /** Holds an open file open. The descriptor may be closed afterwards; `path` is for messages. */
  openWeightFile(descriptor: number, path: string): NativeWeightFile;
  /** Lets the file go as soon as no constant needs it, in place of when the handle is collected. */
  closeWeightFile(file: NativeWeightFile): void;
  /**
   * Constants whose elements stay in a file. It may be renamed or deleted, but not written to, as long as one of them
   * exists.
   */
  openWeights(file: NativeWeightFile, constants: readonly StoredConstantDesc[]): readonly NativeConstant[];
  /**
   * A constant of the same elements, which has to be in a file, with packed forms and a lifetime of its own.
   * @param factors of a float32 constant: each of as many equal runs of elements is multiplied by one of them.
   */
  reopenConstant(constant: NativeConstant, factors?: Float32Array): NativeConstant;
  /** Copies a constant's elements, row-major, into an array of that length. */
  readConstant(constant: NativeConstant, into: TensorData): void;
  /**
   * What the bytes of all packed forms depend on: oneDNN, its instruction set, and the version of Octavo's own packing.
   */
  packing(): string;
  /** The packed forms that plans have asked for so far. */
  packedForms(constant: NativeConstant): readonly PackedFormDesc[];
  /** Copies the form under `key` into an array of its length. */
  readPackedForm(constant: NativeConstant, key: string, into: Uint8Array): void;
  /**
   * Frees a constant's memory once no plan uses it, without waiting for the garbage collector. It cannot be part of
   * another plan after this.
   */
  releaseConstant(constant: NativeConstant): void;
  batch(options: NativeBatchOptions): NativeBatch;
  /** Computes `samples` samples of the batch by a plan that runs for `parts` parts of them. */
  addBatchPlan(batch: NativeBatch, samples: number, plan: NativePlan, parts: number): void;
  /** Takes the batch's plans away: requests are computed one by one then. */
  releaseBatch(batch: NativeBatch): void;
  /** Frees a plan's memory as soon as no request runs it. It cannot be used after this call. */
  releasePlan(plan: NativePlan): void;
  /**
   * Runs one step now, on the calling thread.
   * @returns the implementation's name.
   */
  execute(
    step: StepDesc,
    inputs: readonly (TensorDesc & { readonly data: TensorData | NativeConstant })[],
    outputs: readonly (TensorDesc & { readonly data: TensorData })[],
  ): string;
  /**
   * Why a convolution does not use oneDNN's implementation of this name, on any CPU: it crashes, computes wrong numbers
   * or is slow. An addend is one in a buffer of its own.
   * @returns null if nothing is known against it.
   */
  convolutionFault(
    implementation: string,
    step: StepDesc,
    inputs: readonly TensorDesc[],
    output: TensorDesc,
  ): string | null;
  readonly observe: ObserveKernels;
  /** `cpus`: how many this process may use; idle threads do not wait actively where others need them. */
  readonly Executor: new (options: {
    streams: number;
    threadsPerStream: number;
    cpus: number;
  }) => NativeExecutor;
}
