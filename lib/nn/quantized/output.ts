import { Tensor } from '../../tensor/index.ts';
import { Buffer } from '../module.ts';
import type { Qparams, QuantizedActivation } from './value.ts';

/** A module whose result has a scale and a zero point of its own. They belong to its state, under PyTorch's names. */
export interface QuantizedOutput {
  /** float32 */
  readonly scale: Buffer;
  /** int64 */
  readonly zero_point: Buffer;
  readonly dtype: QuantizedActivation;
}

/** @param shape of both tensors: PyTorch's `Quantize` has vectors of one element. */
export function outputOf(
  { scale, zeroPoint, dtype }: Qparams,
  shape: readonly number[] = [],
): QuantizedOutput {
  return {
    scale: new Buffer(Tensor.from('float32', [scale], shape)),
    zero_point: new Buffer(Tensor.from('int64', [zeroPoint], shape)),
    dtype,
  };
}

/** The parameters as numbers, as they are now: a state may have been loaded. */
export function qparamsOf({ scale, zero_point, dtype }: QuantizedOutput): Qparams {
  return { scale: Number(scale.tensor.item()), zeroPoint: Number(zero_point.tensor.item()), dtype };
}
