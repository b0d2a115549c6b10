/**
 * `octavo/numerics`: how far a quantized model is from the float model, node by node (counterparts: the numeric debugger of
 * `torch.ao.quantization`, `torch.ao.ns`).
 * @module octavo/numerics
 */
export {
  computeCosineSimilarity,
  computeMaxError,
  computeNormalizedL2Error,
  computeSqnr,
  mseLoss,
} from './comparators.ts';
export {
  type Comparator,
  type CompareOptions,
  compareModelOutputs,
  compareModelShadows,
  type NodeComparison,
} from './compare-models.ts';
export {
  type ComparedNode,
  compareResults,
  type NodeAccuracySummary,
  QuantizationComparisonResult,
} from './compare-results.ts';
export type { Comparison } from './comparison.ts';
export { generateNumericDebugHandle } from './debug-handles.ts';
export {
  convertNShadowsModel,
  type LayerResult,
  loggersSetEnabled,
  loggersSetSaveActivations,
  NShadowsModel,
  type NShadowsRunOptions,
  prepareNShadowsModel,
  type ShadowResult,
} from './n-shadows.ts';
export {
  extractResultsNShadowsModel,
  printComparisonsNShadowsModel,
} from './n-shadows-results.ts';
export {
  type CompareWithOnnxRuntimeOptions,
  compareWithOnnxRuntime,
  type OnnxRuntime,
  type OnnxTensor,
  type OnnxValueComparison,
} from './onnx-runtime.ts';
export type { OnnxValue } from './onnx-values.ts';
export { OutputLogger } from './output-logger.ts';
export {
  extractResultsFromLoggers,
  type LoggedValues,
  prepareForPropagationComparison,
} from './propagation.ts';
export { type RankedNode, rankLayers } from './ranking.ts';
export { extractWeights, type WeightComparison } from './weights.ts';
