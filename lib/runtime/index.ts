export type { ModelMetadata } from './artifact.ts';
export { CompiledModel, type CompileOptions, compile, type StepProfile } from './compiled-model.ts';
export { loadModel } from './load-model.ts';
export { formatPlan, type PlanDescription, type StepDescription } from './plan-description.ts';
export type { ModelInputs, ModelShapes, TensorInfo } from './signature.ts';
export { formatTuning, type LayerDecision, type ThreadsDecision, type Tuning } from './tuning.ts';
