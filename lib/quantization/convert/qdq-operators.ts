/** Names of the operators between which tensors are quantized, as PyTorch's `quantized_decomposed` library has them. */
export const QUANTIZE_PER_TENSOR = 'quantized_decomposed.quantize_per_tensor.default';
export const QUANTIZE_PER_TENSOR_DYNAMIC = 'quantized_decomposed.quantize_per_tensor.tensor';
export const QUANTIZE_PER_CHANNEL = 'quantized_decomposed.quantize_per_channel.default';
export const DEQUANTIZE_PER_TENSOR = 'quantized_decomposed.dequantize_per_tensor.default';
export const DEQUANTIZE_PER_TENSOR_DYNAMIC = 'quantized_decomposed.dequantize_per_tensor.tensor';
export const DEQUANTIZE_PER_CHANNEL = 'quantized_decomposed.dequantize_per_channel.default';
export const CHOOSE_QPARAMS = 'quantized_decomposed.choose_qparams.tensor';
export const CHOOSE_QPARAMS_SYMMETRIC = 'quantized_decomposed.choose_qparams_symmetric.tensor';
export const CONVERT_ELEMENT_TYPE = 'quantized_decomposed.convert_element_type.no_fuse';

export const quantizeOperators: readonly string[] = [
  QUANTIZE_PER_TENSOR,
  QUANTIZE_PER_TENSOR_DYNAMIC,
  QUANTIZE_PER_CHANNEL,
];
export const dequantizeOperators: readonly string[] = [
  DEQUANTIZE_PER_TENSOR,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
  DEQUANTIZE_PER_CHANNEL,
];
export const chooseQparamsOperators: readonly string[] = [CHOOSE_QPARAMS, CHOOSE_QPARAMS_SYMMETRIC];
