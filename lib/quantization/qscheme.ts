/** All schemes by which real numbers map to integers. */
export const qschemes = [
  'per_tensor_affine',
  'per_tensor_symmetric',
  'per_channel_affine',
  'per_channel_symmetric',
  // For embedding tables: the zero point is a floating point number, so that a row's minimum is represented exactly.
  'per_channel_affine_float_qparams',
] as const;

/**
 * How real numbers map to integers (counterpart: `torch.qscheme`).
 * @useDeclaredType
 */
export type QScheme = (typeof qschemes)[number];

/** Whether every channel has its own scale and zero point. */
export function isPerChannel(qscheme: QScheme): boolean {
  return qscheme.startsWith('per_channel_');
}

/** Whether the range is symmetric around zero. */
export function isSymmetric(qscheme: QScheme): boolean {
  return qscheme === 'per_tensor_symmetric' || qscheme === 'per_channel_symmetric';
}

/** @throws Error that begins with `what`. */
export function checkChannelAxis(chAxis: number | undefined, what: string): void {
  if (chAxis !== undefined && (!Number.isInteger(chAxis) || chAxis < 0))
    throw new Error(`${what}: chAxis must be a non-negative integer, got ${chAxis}`);
}
