import { operators } from '../../aten/index.ts';
import { Arguments } from '../../graph/index.ts';
import { Tensor } from '../../tensor/index.ts';
import { type Extremes, observable } from './statistics.ts';
import type { UniformQuantizationObserver } from './uniform-observer.ts';

/**
 * The part of a tensor's range, of every channel's along `axis`, that has the least squared error once it is quantized by the observer's
 * rules. Every 3% is tried.
 * @throws Error when the tensor is not float32 or contains NaN or infinity.
 */
export function leastSquaresOf(
  input: Tensor,
  { quantMin, quantMax, eps, symmetricZeroPoint }: UniformQuantizationObserver,
  axis = -1,
): Extremes {
  observable(input);
  const channels = axis < 0 ? 1 : input.shape[axis];
  const infinite = new Tensor('float32', new Float32Array(channels).fill(Infinity), [channels]);
  const [scale, zeroPoint] = [Tensor.zeros('float32', [channels]), Tensor.zeros('float32', [channels])];
  const operator = operators.get('octavo.observe_range.default');
  const args = [
    ...[input, Tensor.from('int64', [1]), infinite, infinite, scale, zeroPoint],
    ...[null, true, eps, 0, quantMin, quantMax, axis, symmetricZeroPoint],
  ];
  const [minima, maxima] = operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor[];
  return { minima: minima.data as Float32Array, maxima: maxima.data as Float32Array };
}
