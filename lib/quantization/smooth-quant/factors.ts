import { FLOAT32_EPSILON, Tensor } from '../../tensor/index.ts';

const f32 = Math.fround;

/**
 * What each input channel of linear layers is divided by (counterpart: torchao's `SmoothQuantObserver.calculate_qparams`):
 *
 *     s[j] = (max|x[:, j]| + eps) ^ alpha / (max|W[:, j]| + eps) ^ (1 - alpha)
 *
 * A channel that is always 0, in the activations or in the weights, keeps its scale: there is nothing to balance, and a
 * later input could be different.
 * @param activations the largest absolute value of each channel.
 * @param weights `[outputs, channels]` each.
 */
export function smoothingFactors(
  activations: Float32Array,
  weights: readonly Tensor[],
  alpha: number,
): Float32Array {
  const largest = largestOfColumns(weights, activations.length);
  return activations.map((x, j) => {
    const w = largest[j];
    return x === 0 || w === 0
      ? 1
      : f32(f32((x + FLOAT32_EPSILON) ** alpha) / f32((w + FLOAT32_EPSILON) ** (1 - alpha)));
  });
}

function largestOfColumns(weights: readonly Tensor[], columns: number): Float32Array {
  const largest = new Float32Array(columns);
  for (const { data } of weights)
    for (let i = 0; i < data.length; i++)
      largest[i % columns] = Math.max(largest[i % columns], Math.abs(data[i] as number));
  return largest;
}

/** A tensor whose last axis is multiplied by the factors. */
export function timesFactors({ data, shape }: Tensor, factors: Float32Array): Tensor {
  const product = (data as Float32Array).map((value, i) => value * factors[i % factors.length]);
  return new Tensor('float32', product, shape);
}
