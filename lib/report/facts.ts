import type { AccuracyControlRecord } from '../accuracy/index.ts';
import type { PassCount, Refusal } from '../lowering/index.ts';
import type { JsonDecibels, JsonMeasures } from '../numerics/json-measures.ts';

/** What a report tells, as plain JSON data. Times are in nanoseconds, sizes in bytes, error ratios in decibels. */
export interface ReportFacts {
  /** Heading of the page, usually the model's file. */
  readonly title: string;
  /** The command that makes the report again; absent if no command made it. */
  readonly command?: string;
  /** ISO 8601. */
  readonly made: string;
  readonly machine: MachineFacts;
  /** The lowered network in the order of computation. */
  readonly nodes: readonly NodeFacts[];
  readonly sizes: Models<SizeFacts>;
  /** Present if the examples have labels. */
  readonly accuracy?: Models<AccuracyFacts>;
  readonly times: TimeFacts;
  readonly roofline: Roofline;
  /** How often each lowering pass changed the graph; those that changed nothing are left out. */
  readonly passes: readonly PassCount[];
  /** Quantized patterns that run in float or in several steps. */
  readonly refusals: readonly Refusal[];
  /** What accuracy control tried, if it made the model. */
  readonly accuracyControl?: AccuracyControlRecord;
}

/** A fact about the quantized model and, if it was given, the float model. */
export interface Models<T> {
  readonly model: T;
  readonly reference?: T;
}

/** Where the report was made, and by what. */
export interface MachineFacts {
  readonly processor: string;
  readonly cores: number;
  /** Threads that computed what was timed. */
  readonly threads: number;
  /** The widest instruction set that oneDNN uses. */
  readonly instructionSet: string;
  readonly oneDnn: string;
  readonly node: string;
  readonly octavo: string;
}

/** A tensor without its elements. Sizes that requests choose are symbols: `s0`. */
export interface TensorFacts {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}

/** One node of the lowered graph; constants and sizes have none. */
export interface NodeFacts extends TensorFacts {
  readonly kind: 'input' | 'operator' | 'output';
  /** The operator: `onednn.qconv2d_pointwise.default`; the input's or output's name for those. */
  readonly target: string;
  /** Names of the nodes whose values it reads. */
  readonly inputs: readonly string[];
  /** Operators of the captured model that it computes, in order. */
  readonly operators: readonly { readonly name: string; readonly target: string }[];
  /** Path of the module that it comes from: `layer1.0.conv1`; empty if unknown. */
  readonly modulePath: string;
  /** Present if its value is quantized by one scale. */
  readonly quantization?: QuantizationFacts;
  /** Present if the float model was given and has a counterpart. */
  readonly error?: ErrorFacts;
  /** What the float model computes in its place. Present if its value is quantized and the float model was given. */
  readonly histogram?: HistogramFacts;
  /** Present if it has a weight. */
  readonly weight?: WeightFacts;
}

/** What the integers of a tensor stand for: `(q - zeroPoint) * scale`. */
export interface QuantizationFacts {
  readonly scale: number;
  readonly zeroPoint: number;
  /** The smallest and the largest number that the integers can express: what lies outside is clipped to them. */
  readonly low: number;
  readonly high: number;
}

/** How far a node's values are from the float model's. */
export interface ErrorFacts {
  /** When it is given what the float model computes before it: its own error. */
  readonly alone: JsonMeasures;
  /** When the whole model runs quantized: with the errors of all nodes before it. */
  readonly together: JsonMeasures;
}

/** How often values occur, over all batches. */
export interface HistogramFacts {
  readonly min: number;
  readonly max: number;
  /** In equal parts of [min, max]. Fractions occur after the range has grown. */
  readonly counts: readonly number[];
  /** The share of values, 0 to 1, that the quantizer clips. Exact to a 2048th of [min, max]. */
  readonly clipped: number;
}

/** The float model's weight by output channel (of an embedding by row), or the dequantized one without a float model. */
export interface WeightFacts {
  readonly shape: readonly number[];
  readonly min: readonly number[];
  readonly max: readonly number[];
  /** How far the quantized weight is from the float weight; absent without a float model. */
  readonly sqnr?: JsonDecibels;
}

/** Bytes of a model's parameters and buffers as the program holds them, and of its file, if it has one. */
export interface SizeFacts {
  readonly weights: number;
  readonly file?: number;
}

/** Examples whose class the model finds, of how many. */
export interface AccuracyFacts {
  readonly correct: number;
  readonly total: number;
}

/** Medians of several runs of one request. */
export interface TimeFacts {
  readonly runs: number;
  /** The request that was timed. */
  readonly inputs: readonly TensorFacts[];
  /** All steps of the quantized model together and, if it was given, of the float model. */
  readonly total: Models<number>;
  readonly steps: readonly StepFacts[];
}

/** One step of the plan. */
export interface StepFacts {
  /** Name of the {@link NodeFacts} that it computes, or whose value it copies. */
  readonly node: string;
  /** The native step: `convolution`. */
  readonly op: string;
  /** oneDNN's implementation, or `octavo:…` for Octavo's own loops. */
  readonly implementation: string;
  readonly nanoseconds: number;
  /** Of the time of all steps, 0 to 1. */
  readonly share: number;
  readonly multiplyAdds: number;
  readonly bytes: number;
  /** The least time that the roofline allows, and what sets it. */
  readonly bound: { readonly nanoseconds: number; readonly by: 'compute' | 'memory' };
  /** `bound.nanoseconds / nanoseconds`: 1 is as fast as the roofline. */
  readonly efficiency: number;
}

/** What products are computed in. */
export type ProductType = 'int8' | 'float32' | 'bfloat16';

/** The fastest that this machine did in the same run, on as many threads as the model. */
export interface Roofline {
  /** Billions of operations a second, two a multiply-add, of the best square product in each type that the model uses. */
  readonly gops: Readonly<Partial<Record<ProductType, number>>>;
  /** The best of what simple steps over float32 tensors read and write, from few bytes to more than caches hold. */
  readonly memory: readonly MemoryRate[];
}

/** How fast a step moves its tensors if these are as large as that together. */
export interface MemoryRate {
  readonly bytes: number;
  readonly gigabytesPerSecond: number;
}
