import type { Tensor } from '../tensor/index.ts';
import { compare } from './comparison.ts';

/**
 * Signal to quantization noise ratio in decibels: `20 log10(|x| / |x - y|)` (counterpart: `torch.ao.ns.fx.utils.compute_sqnr`). Infinity
 * where x and y are the same, also where both are 0, for which PyTorch gives NaN. Tensors of any shape and dtype but float16; integers
 * are compared as the numbers they are, so dequantize those that stand for others.
 *
 * @example
 * computeSqnr(Tensor.from('float32', [3, 4]), Tensor.from('float32', [3, 4.5])); // 20
 *
 * @param x the signal. PyTorch's debugger passes the quantized model's values here.
 * @throws Error when shapes differ, when there are no elements, and for NaN, and for infinities that are not the same in
 * both (PyTorch then gives NaN); so do the others. The same infinity in both, as masks have it, is no difference.
 */
export function computeSqnr(x: Tensor, y: Tensor): number {
  return compare(x, y, 'computeSqnr').sqnr;
}

/** `sqrt(Σ (x - y)² / Σ x²)` (counterpart: `compute_normalized_l2_error`). 0 where x and y are the same. */
export function computeNormalizedL2Error(x: Tensor, y: Tensor): number {
  return compare(x, y, 'computeNormalizedL2Error').normalizedL2Error;
}

/** Cosine of the angle between both tensors as vectors (counterpart: `compute_cosine_similarity`): 1 where they point the same way. */
export function computeCosineSimilarity(x: Tensor, y: Tensor): number {
  return compare(x, y, 'computeCosineSimilarity').cosineSimilarity;
}

/** Mean of the squared differences (counterpart: `torch.nn.functional.mse_loss`). */
export function mseLoss(x: Tensor, y: Tensor): number {
  return compare(x, y, 'mseLoss').mseLoss;
}

/** The largest difference of two elements (what a PyTorch script writes as `(x - y).abs().max()`). */
export function computeMaxError(x: Tensor, y: Tensor): number {
  return compare(x, y, 'computeMaxError').maxError;
}
