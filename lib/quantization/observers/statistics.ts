import { addon } from '../../onednn/addon.ts';
import type { Tensor } from '../../tensor/index.ts';

/** Smallest and largest element of every channel; one channel when statistics are per tensor. */
export interface Extremes {
  readonly minima: Float32Array;
  readonly maxima: Float32Array;
}

/** The elements of a tensor that observers can take. */
export function observable(input: Tensor): Float32Array {
  if (!(input.data instanceof Float32Array))
    throw new Error(
      `observers take float32 tensors, got ${input.dtype} [${input.shape.join(', ')}]; exclude this node from quantization`,
    );
  return input.data;
}

/**
 * Extremes of a tensor, per tensor or along `axis` (counterpart: `torch.aminmax`).
 * @throws Error when the tensor is not float32 or holds NaN or infinity: no scale could represent it.
 */
export function extremesOf(input: Tensor, axis?: number): Extremes {
  const data = observable(input);
  const { shape } = input;
  if (axis !== undefined && axis >= shape.length)
    throw new Error(
      `channel axis ${axis} is outside a tensor of ${shape.length} dimensions [${shape.join(', ')}]`,
    );
  const channels = axis === undefined ? 1 : shape[axis];
  const inner = axis === undefined ? data.length : shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const minima = new Float32Array(channels);
  const maxima = new Float32Array(channels);
  const hasNan = addon.observe.minMax(data, data.length / (channels * inner), inner, minima, maxima);
  if (hasNan) throw new Error(`the tensor [${shape.join(', ')}] holds NaN`);
  if (minima.includes(-Infinity) || maxima.includes(Infinity))
    throw new Error(`the tensor [${shape.join(', ')}] holds infinite values`);
  return { minima, maxima };
}
