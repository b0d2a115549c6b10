import { addon } from '../../native/addon.ts';
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

/** Elements of a tensor and the ends of their range. */
export interface FiniteElements {
  readonly data: Float32Array;
  readonly min: number;
  readonly max: number;
}

/** Observers that have said that they leave infinities out. */
const warned = new WeakSet<object>();

/**
 * The elements that a range can be made of. Infinities, which a mask puts in or the logarithm of nothing gives, are left out
 * with a process warning an observer, as PyTorch's HistogramObserver leaves them out: they saturate in any range.
 * @returns undefined where all elements are infinite.
 * @throws Error when the tensor is not float32 or holds NaN.
 */
export function finiteElements(input: Tensor, observer: object): FiniteElements | undefined {
  const data = observable(input);
  const ends = rangeOf(data, input);
  if (ends.min !== -Infinity && ends.max !== Infinity) return { data, ...ends };
  if (!warned.has(observer))
    process.emitWarning(
      `${observer.constructor.name}: infinite values of a tensor [${input.shape.join(', ')}] are left out of its range`,
      'OctavoWarning',
    );
  warned.add(observer);
  const finite = data.filter(Number.isFinite);
  return finite.length === 0 ? undefined : { data: finite, ...rangeOf(finite, input) };
}

function rangeOf(data: Float32Array, input: Tensor): { readonly min: number; readonly max: number } {
  const [minima, maxima] = [new Float32Array(1), new Float32Array(1)];
  if (addon.observe.minMax(data, 1, data.length, minima, maxima)) refuseNaN(input);
  return { min: minima[0], max: maxima[0] };
}

function refuseNaN({ shape }: Tensor): never {
  throw new Error(`the tensor [${shape.join(', ')}] holds NaN`);
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
  if (hasNan) refuseNaN(input);
  if (minima.includes(-Infinity) || maxima.includes(Infinity))
    throw new Error(`the tensor [${shape.join(', ')}] holds infinite values`);
  return { minima, maxima };
}
