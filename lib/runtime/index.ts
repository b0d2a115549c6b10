/**
 * `octavo/runtime`: all that a service needs to run saved models. It loads faster than `octavo`, with the same
 * functions and classes.
 * @module octavo/runtime
 */

export type { ErrorCode } from '../error-code.ts';
export type {
  Dim,
  ModelInputs,
  ModelOutputs,
  ModelShapes,
  SymbolRange,
  SymInt,
  SymTerm,
  TensorInfo,
} from '../graph/index.ts';
export type {
  LoweredNode,
  LoweringReport,
  Outcome,
  PassCount,
  Provenance,
  Refusal,
} from '../lowering/index.ts';
export type { RejectedImplementation } from '../native/addon-types.ts';
export type { StepName } from '../native/step-name.ts';
export type { ConstantMemory } from '../plan/index.ts';
export { type DType, type ForeignTensor, Tensor, type TensorData } from '../tensor/index.ts';
export type { ModelMetadata } from './artifact.ts';
export { ratesOf, type Trace, type TracedRuns, type TraceEvent, traceOf } from './chrome-trace.ts';
export { compile } from './compile.ts';
export { CompiledModel } from './compiled-model.ts';
export {
  formatTuning,
  type KernelDecision,
  type LayerDecision,
  type PartsDecision,
  type ThreadsDecision,
  type Tuning,
} from './decisions.ts';
export { loadModel } from './load-model.ts';
export { formatReport, type ModelReport, type ReportedNode, type ReportedStep } from './model-report.ts';
export type { CompileOptions, RunOptions, SaveOptions } from './options.ts';
export { formatPlan, type PlanDescription, type StepDescription } from './plan-description.ts';
export type { BatchingOptions } from './requests/batching-options.ts';
export { QueueFullError } from './requests/queue.ts';
export type {
  BatchStatistics,
  ComputeDurations,
  RunStatistics,
  RunTiming,
} from './requests/run-statistics.ts';
export type { StepProfile, StepRun } from './step-profile.ts';
export type { ThreadOptions } from './threads.ts';
export { type CpuShare, cpuShares, startOnCpus } from './worker-cpus.ts';
