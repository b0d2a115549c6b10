/** How real numbers map to integers (counterpart: `torch.qscheme`). */
export type QScheme =
  | 'per_tensor_affine'
  | 'per_tensor_symmetric'
  | 'per_channel_affine'
  | 'per_channel_symmetric';

/** Whether every channel has its own scale and zero point. */
export function isPerChannel(qscheme: QScheme): boolean {
  return qscheme === 'per_channel_affine' || qscheme === 'per_channel_symmetric';
}

/** Whether the range is laid symmetrically around zero. */
export function isSymmetric(qscheme: QScheme): boolean {
  return qscheme === 'per_tensor_symmetric' || qscheme === 'per_channel_symmetric';
}
