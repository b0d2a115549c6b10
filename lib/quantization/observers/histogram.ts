import { addon } from '../../native/addon.ts';
import { byteSizeOf, type Tensor } from '../../tensor/index.ts';
import type { QParams } from '../qparams.ts';
import { checkRecipe, DEFAULT_RECIPE, type Recipe } from '../recipe.ts';
import { finiteElements } from './statistics.ts';
import { type UniformObserverArgs, UniformQuantizationObserver } from './uniform-observer.ts';

const f32 = Math.fround;

/** Arguments of {@link HistogramObserver}. */
export interface HistogramObserverArgs extends UniformObserverArgs {
  /** Default 2048. */
  readonly bins?: number;
  /**
   * Whose numbers to compute; default `torchao`. They differ where all values of the first tensors are equal: PyTorch 2.6
   * counts these as often as it counts values of the tensor that follows.
   */
  readonly recipe?: Recipe;
}

interface State {
  readonly min: number;
  readonly max: number;
  readonly histogram: Float32Array;
}

/**
 * Keeps a histogram of all values, and quantizes the part of its range that has the least squared error (counterpart:
 * `torchao.quantization.pt2e.HistogramObserver`, with the same bins, search and numbers). Infinite values are left out, as
 * in PyTorch, with a process warning.
 */
export class HistogramObserver extends UniformQuantizationObserver {
  readonly bins: number;
  readonly recipe: Recipe;
  #state: State | undefined;

  constructor(args: HistogramObserverArgs = {}) {
    super(args, false);
    if (this.isDynamic) throw new Error('HistogramObserver: dynamic quantization keeps no histogram');
    this.bins = args.bins ?? 2048;
    this.recipe = args.recipe ?? DEFAULT_RECIPE;
    checkRecipe(this.recipe, 'HistogramObserver');
    if (!Number.isInteger(this.bins) || this.bins < 1)
      throw new Error(`HistogramObserver: bins must be a positive integer, got ${this.bins}`);
  }

  /** Smallest value observed so far. Throws if nothing has been observed. */
  get minVal(): number {
    return this.#observed.min;
  }

  /** Largest value observed so far. Throws if nothing has been observed. */
  get maxVal(): number {
    return this.#observed.max;
  }

  /** Counts over `bins` equal parts of [minVal, maxVal]. Fractions occur after the range has grown. */
  get histogram(): Float32Array {
    return this.#observed.histogram;
  }

  /** The part of the range that will be quantized (`_non_linear_param_search`). */
  searchRange(): { readonly min: number; readonly max: number } {
    const { min, max, histogram } = this.#observed;
    const { first, last } = addon.observe.searchHistogram(histogram, min, max, this.#levels);
    const width = f32(f32(max - min) / this.bins);
    return { min: f32(min + f32(width * first)), max: f32(min + f32(width * (last + 1))) };
  }

  override calculateQparams(): QParams {
    const { min, max } = this.searchRange();
    return this.qparamsOf({ minima: Float32Array.of(min), maxima: Float32Array.of(max) });
  }

  protected override observe(input: Tensor): void {
    const finite = finiteElements(input, this);
    if (!finite) return;
    const { data, min, max } = finite;
    const seen = this.#state;
    this.#state = seen === undefined ? this.#first(data, min, max) : this.#combine(seen, data, min, max);
  }

  /**
   * PyTorch counts a constant tensor in a range that extends by one on either side, but keeps the constant as its
   * range.
   */
  #first(data: Float32Array, min: number, max: number): State {
    const [low, high] = min === max ? [f32(min - 1), f32(max + 1)] : [min, max];
    const width = f32(f32(high - low) * this.bins);
    if (width === 0 || width === Infinity)
      throw new Error(
        `HistogramObserver: values from ${min} to ${max} are too large to be told apart in ${this.bins} bins of ` +
          'float32; scale them down, or exclude this node from quantization',
      );
    return { min, max, histogram: addon.observe.histogram(data, low, high, this.bins) };
  }

  #combine(seen: State, data: Float32Array, nowMin: number, nowMax: number): State {
    const min = Math.min(seen.min, nowMin);
    const max = Math.max(seen.max, nowMax);
    const { histogram } = this.#first(data, min, max);
    if (min === seen.min && max === seen.max) this.#add(seen.histogram, histogram);
    else if (seen.min === seen.max) this.#addConstant(seen, min, max, histogram);
    else addon.observe.rescaleHistogram(seen.histogram, seen.min, seen.max, min, max, histogram);
    return { min, max, histogram };
  }

  #add(counts: Float32Array, sums: Float32Array): void {
    for (let bin = 0; bin < this.bins; bin++) sums[bin] += counts[bin];
  }

  /** All values so far are equal: their number is added to one bin. */
  #addConstant(seen: State, min: number, max: number, sums: Float32Array): void {
    const counted = this.recipe === 'pytorch-2.6' ? sums : seen.histogram;
    const weight = f32(counted.reduce((a, b) => a + b, 0));
    const where = addon.observe.histogram(Float32Array.of(seen.min), min, max, this.bins);
    this.#add(
      where.map((count) => count * weight),
      sums,
    );
  }

  get #observed(): State {
    this.requireObserved(this.#state !== undefined);
    return this.#state!;
  }

  /** PyTorch searches with the dtype's full number of levels, even if quantMin and quantMax are narrower. */
  get #levels(): number {
    return 2 ** (8 * byteSizeOf(this.dtype));
  }
}
