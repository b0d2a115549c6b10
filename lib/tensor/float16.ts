import { Tensor } from './tensor.ts';

/** The largest number of float16 that is finite. */
const LARGEST = 65504;

/**
 * A weight of float32 whose elements have a finite float16 next to them (counterpart: `_saturate_weight_to_fp16`): those beyond ±65504 become
 * that, with a process warning.
 * @param name of the weight, for the warning.
 */
export function saturateToFloat16(weight: Tensor, name: string): Tensor {
  const values = weight.data as Float32Array;
  const count = values.reduce((sum, value) => sum + (Math.abs(value) > LARGEST ? 1 : 0), 0);
  if (count === 0) return weight;
  process.emitWarning(
    `${name}: ${count} of ${weight.numel} elements lie outside of float16, and become ±${LARGEST}`,
  );
  const saturated = values.map((value) => Math.min(Math.max(value, -LARGEST), LARGEST));
  return new Tensor('float32', saturated, weight.shape);
}
