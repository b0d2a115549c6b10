import type { DType } from '../../tensor/index.ts';

/**
 * Checks that weighted sums of elements of a dtype can be computed.
 * @throws Error for those that can only be moved.
 */
export function checkResampled(dtype: DType, operator: string): void {
  if (dtype !== 'float32' && dtype !== 'bfloat16')
    throw new Error(`${operator}: computing in ${dtype} is not supported; cast to float32`);
}
