import { boxChoices } from './choice/boxes.ts';
import { nonzeros } from './choice/nonzero.ts';
import { filledTensors } from './creation/filled.ts';
import { ranges } from './creation/ranges.ts';
import { attention } from './layers/attention.ts';
import { convolutions } from './layers/convolution.ts';
import { embeddings } from './layers/embedding.ts';
import { embeddingBags } from './layers/embedding-bag.ts';
import { linears } from './layers/linear.ts';
import { mkldnn } from './layers/mkldnn.ts';
import { normalization } from './layers/normalization.ts';
import { pooling } from './layers/pooling.ts';
import { poolingWithIndices } from './layers/pooling-with-indices.ts';
import { recurrentLayers } from './layers/recurrent.ts';
import { transposedConvolutions } from './layers/transposed-convolution.ts';
import { movementFamilies } from './movement/index.ts';
import { activations } from './pointwise/activation.ts';
import { arithmetic } from './pointwise/arithmetic.ts';
import { binaryFunctions } from './pointwise/binary-functions.ts';
import { bitwiseOperators } from './pointwise/bitwise.ts';
import { clampings } from './pointwise/clamp.ts';
import { comparisons } from './pointwise/comparison.ts';
import { functions } from './pointwise/functions.ts';
import { selections } from './pointwise/selection.ts';
import { ternary } from './pointwise/ternary.ts';
import { integerLayers } from './quantized/integer-layers.ts';
import { octavo } from './quantized/octavo.ts';
import { onednn } from './quantized/onednn.ts';
import { quantizedDecomposed } from './quantized/quantized-decomposed.ts';
import { transformer } from './quantized/transformer.ts';
import { weightOnly } from './quantized/weight-only.ts';
import { differences } from './reductions/differences.ts';
import { orderings } from './reductions/ordering.ts';
import { reductions } from './reductions/reduction.ts';
import { spreads } from './reductions/spread.ts';
import { OperatorRegistry } from './registry.ts';
import { resamplingFamilies } from './resampling/index.ts';
import { trainingFamilies } from './training/index.ts';

/** All operators that Octavo knows, by name: an `OperatorLibrary`. */
export const operators = new OperatorRegistry(
  activations,
  arithmetic,
  attention,
  binaryFunctions,
  bitwiseOperators,
  boxChoices,
  clampings,
  comparisons,
  convolutions,
  differences,
  embeddings,
  embeddingBags,
  filledTensors,
  functions,
  integerLayers,
  linears,
  mkldnn,
  movementFamilies,
  nonzeros,
  normalization,
  octavo,
  onednn,
  orderings,
  pooling,
  poolingWithIndices,
  quantizedDecomposed,
  ranges,
  recurrentLayers,
  reductions,
  resamplingFamilies,
  selections,
  spreads,
  ternary,
  trainingFamilies,
  transformer,
  transposedConvolutions,
  weightOnly,
);

export { embeddingBagOperators, paddingRowOf } from './layers/embedding-bag.ts';
export { castOperators } from './movement/index.ts';
export {
  CHOOSE_QPARAMS,
  CHOOSE_QPARAMS_SYMMETRIC,
  CONVERT_ELEMENT_TYPE,
  chooseQparamsOperators,
  DEQUANTIZE_PER_CHANNEL,
  DEQUANTIZE_PER_TENSOR,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
  dequantizeOperators,
  isQuantizedDecomposed,
  QUANTIZE_PER_CHANNEL,
  QUANTIZE_PER_TENSOR,
  QUANTIZE_PER_TENSOR_DYNAMIC,
  quantizeOperators,
} from './quantized/quantized-decomposed.ts';
export {
  AtenOperator,
  countMeta,
  firstRows,
  type OperatorDefinition,
  OperatorRegistry,
  type Step,
  type StridedLike,
  type StridedView,
  type TensorLike,
} from './registry.ts';
export { resultType } from './result-type.ts';
export { broadcastShapes, normalizeAxis } from './shape-rules.ts';
