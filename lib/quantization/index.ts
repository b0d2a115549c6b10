export { QuantizationAnnotation, type QuantizationAnnotationArgs } from './annotation.ts';
export { type CalibrateOptions, type CalibrationBatch, calibrate } from './calibrate.ts';
export { ComposableQuantizer } from './composable-quantizer.ts';
export { type ConvertOptions, convertPt2e } from './convert/convert.ts';
export type { EdgeOrNode } from './edge-or-node.ts';
export { EdgeOrNodeMap } from './edge-or-node-map.ts';
export {
  type EmbeddingQuantizationOptions,
  EmbeddingQuantizer,
  embeddingQuantizationConfig,
} from './embedding-quantizer.ts';
export {
  crossLayerEqualization,
  type Equalization,
  type Equalized,
} from './equalization/cross-layer-equalization.ts';
export { FakeQuantize, type FakeQuantizeArgs } from './fake-quantize/fake-quantize.ts';
export {
  FixedQParamsFakeQuantize,
  type FixedQParamsFakeQuantizeArgs,
} from './fake-quantize/fixed-qparams.ts';
export {
  type FusedMovingAverageArgs,
  FusedMovingAvgObsFakeQuantize,
} from './fake-quantize/fused-moving-average.ts';
export { LearnableFakeQuantize, type LearnableFakeQuantizeArgs } from './fake-quantize/learnable.ts';
export {
  disableFakeQuant,
  disableObserver,
  disableRangeLearning,
  enableFakeQuant,
  enableObserver,
  enableRangeLearning,
} from './fake-quantize/switches.ts';
export * from './observers/index.ts';
export { preparePt2e } from './prepare/prepare.ts';
export {
  allowExportedModelTrainEval,
  freezeBatchNormStats,
  moveExportedModelToEval,
  moveExportedModelToTrain,
} from './qat/modes.ts';
export { prepareQatPt2e } from './qat/prepare-qat.ts';
export * from './qconfig/index.ts';
export type { QParams } from './qparams.ts';
export type { QScheme } from './qscheme.ts';
export {
  getBiasQspec,
  getInputActQspec,
  getOutputActQspec,
  getWeightQspec,
  type QuantizationConfig,
} from './quantization-config.ts';
export type { QuantizedDType, SpecDType } from './quantized-dtype.ts';
export { Quantizer } from './quantizer.ts';
export type { Recipe } from './recipe.ts';
export {
  type Smoothed,
  type Smoothing,
  type SmoothQuantOptions,
  smoothQuant,
} from './smooth-quant/smooth-quant.ts';
export {
  DerivedQuantizationSpec,
  type DerivedQuantizationSpecArgs,
  FixedQParamsQuantizationSpec,
  type FixedQParamsQuantizationSpecArgs,
  QuantizationSpec,
  type QuantizationSpecArgs,
  type QuantizationSpecBase,
  SharedQuantizationSpec,
} from './specs.ts';
export * from './x86/index.ts';
