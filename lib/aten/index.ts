import { activations } from './activation.ts';
import { arithmetic } from './arithmetic.ts';
import { attention } from './attention.ts';
import { convolutions } from './convolution.ts';
import { embeddings } from './embedding.ts';
import { embeddingBags } from './embedding-bag.ts';
import { integerLayers } from './integer-layers.ts';
import { linears } from './linear.ts';
import { mkldnn } from './mkldnn.ts';
import { movement } from './movement.ts';
import { normalization } from './normalization.ts';
import { octavo } from './octavo.ts';
import { onednn } from './onednn.ts';
import { pooling } from './pooling.ts';
import { quantizedDecomposed } from './quantized-decomposed.ts';
import { reductions } from './reduction.ts';
import { OperatorRegistry } from './registry.ts';

import { sizes } from './sizes.ts';
import { stridedViews } from './strided-view.ts';
import { transformer } from './transformer.ts';
import { views } from './view.ts';
import { weightOnly } from './weight-only.ts';

/** All operators that Octavo knows. */
export const operators = new OperatorRegistry(
  activations,
  arithmetic,
  attention,
  convolutions,
  embeddings,
  embeddingBags,
  integerLayers,
  linears,
  mkldnn,
  movement,
  normalization,
  octavo,
  onednn,
  pooling,
  quantizedDecomposed,
  reductions,
  sizes,
  stridedViews,
  transformer,
  views,
  weightOnly,
);

export { castOperators } from './movement.ts';
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
} from './quantized-decomposed.ts';
export {
  AtenOperator,
  type OperatorDefinition,
  OperatorRegistry,
  type Step,
  type StridedLike,
  type StridedView,
  type TensorLike,
} from './registry.ts';
export { normalizeAxis } from './shape-rules.ts';
