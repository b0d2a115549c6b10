export type { ModelMetadata } from './artifact.ts';
export { CompiledModel, type CompileOptions, compile, type StepProfile } from './compiled-model.ts';
export { loadModel } from './load-model.ts';
export { formatReport, type ModelReport, type ReportedNode, type ReportedStep } from './model-report.ts';
export { formatPlan, type PlanDescription, type StepDescription } from './plan-description.ts';
export type { ModelInputs, ModelShapes, TensorInfo } from './signature.ts';
export { ratesOf, type Trace, type TracedRuns, type TraceEvent, traceOf } from './trace.ts';
