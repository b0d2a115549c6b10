import { addon } from '../../native/addon.ts';
import type { Tensor } from '../../tensor/index.ts';

/** Smallest and largest element of every channel; statistics per tensor have one channel. */
export interface Extremes {
  readonly minima: Float32Array;
  readonly maxima: Float32Array;
}

/** The elements of a tensor, if observers support its dtype. */
export function observable(input: Tensor): Float32Array {
  if (!(input.data instanceof Float32Array))
    throw new Error(
      `observers take float32 tensors, got ${input.dtype} [${input.shape.join(', ')}]; exclude this node from quantization`,
    );
  return input.data;
}

/** Finite elements of a tensor and the ends of their range. */
export interface FiniteElements {
  readonly data: Float32Array;
  readonly min: number;
  readonly max: number;
}

/** Observers that have already warned about infinities. */
const warned = new WeakSet<object>();

/**
 * The elements that can determine a range. Infinities, for example of a mask or of log(0), are left out with one
 * process warning per observer, as in PyTorch's HistogramObserver: they saturate in any range.
 * @returns undefined if all elements are infinite.
 * @throws Error when the tensor is not float32 or contains NaN.
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
 * @throws Error when the tensor is not float32 or contains NaN or infinity, which no scale could represent.
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
