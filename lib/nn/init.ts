import { numelOf, Tensor } from '../tensor/index.ts';
import { defaultGenerator } from './generator.ts';

/** Initial weights (counterpart: `torch.nn.init`). They are drawn from the default generator; see {@link manualSeed}. */

/** Uniformly distributed float32 numbers in [from, to). */
export function uniform(shape: readonly number[], from: number, to: number): Tensor {
  const data = new Float32Array(numelOf(shape));
  defaultGenerator.fillUniform(data, from, to);
  return new Tensor('float32', data, shape);
}

/** float32 numbers of a normal distribution. */
export function normal(shape: readonly number[], mean: number, deviation: number): Tensor {
  const data = new Float32Array(numelOf(shape));
  defaultGenerator.fillNormal(data, mean, deviation);
  return new Tensor('float32', data, shape);
}

/** A float32 tensor filled with one value. */
export function constant(shape: readonly number[], value: number): Tensor {
  return new Tensor('float32', new Float32Array(numelOf(shape)).fill(value), shape);
}

/** Number of inputs (`in`) or outputs (`out`) that one weight of [out, in, ...kernel] connects. */
export function fan(shape: readonly number[], mode: 'in' | 'out'): number {
  return shape[mode === 'in' ? 1 : 0] * numelOf(shape.slice(2));
}

/** `kaiming_uniform_`, for layers followed by a leaky ReLU of this slope; a ReLU's is 0. */
export function kaimingUniform(shape: readonly number[], negativeSlope = 0): Tensor {
  const gain = Math.sqrt(2 / (1 + negativeSlope ** 2));
  const bound = Math.sqrt(3) * (gain / Math.sqrt(fan(shape, 'in')));
  return uniform(shape, -bound, bound);
}

/** Initial weights [out, in, ...kernel] of PyTorch's convolutions and linear layers. */
export function defaultWeight(shape: readonly number[]): Tensor {
  return kaimingUniform(shape, Math.sqrt(5));
}

/** The initial bias that belongs to {@link defaultWeight}. */
export function defaultBias(weightShape: readonly number[]): Tensor {
  const fanIn = fan(weightShape, 'in');
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  return uniform([weightShape[0]], -bound, bound);
}

/** `kaiming_normal_` for layers followed by a ReLU. */
export function kaimingNormal(shape: readonly number[], mode: 'in' | 'out'): Tensor {
  return normal(shape, 0, Math.sqrt(2) / Math.sqrt(fan(shape, mode)));
}
