import { addon } from '../../native/addon.ts';

/** An interval of real numbers. */
export interface RealRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Counts of all values, in equal bins over [-limit, limit]. For a value outside, the limit doubles and neighbouring
 * bins merge: the number of bins stays the same, and a count is never spread over several bins.
 */
export class ZeroCentredHistogram {
  readonly bins: number;
  #counts: Float64Array;
  #limit = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** @throws Error when `bins` is not a multiple of 4: zero must stay between two bins when pairs merge. */
  constructor(bins: number, owner: string) {
    if (!Number.isInteger(bins) || bins < 4 || bins % 4 !== 0)
      throw new Error(`${owner}: bins must be a positive multiple of 4, got ${bins}`);
    this.bins = bins;
    this.#counts = new Float64Array(bins);
  }

  /** Bin `i` counts the values in [-limit + i * binWidth, -limit + (i + 1) * binWidth). */
  get counts(): Float64Array {
    return this.#counts;
  }

  get limit(): number {
    return this.#limit;
  }

  get binWidth(): number {
    return (2 * this.#limit) / this.bins;
  }

  /** Smallest and largest value added. */
  get range(): RealRange {
    return { min: this.#min, max: this.#max };
  }

  /**
   * Counts more values, all of them within `range`.
   * @throws Error when they are too large for bins that float32 can distinguish.
   */
  add(data: Float32Array, range: RealRange): void {
    this.#min = Math.min(this.#min, range.min);
    this.#max = Math.max(this.#max, range.max);
    this.#widen(Math.max(-this.#min, this.#max));
    // Only zeros so far: they belong to the bin right of the centre, for any bin width.
    if (this.#limit === 0) this.#counts[this.bins / 2] += data.length;
    else this.#count(data);
  }

  #count(data: Float32Array): void {
    // The kernel multiplies in float32 and needs headroom.
    if (2 * this.#limit * this.bins > 3e38)
      throw new Error(
        `values from ${this.#min} to ${this.#max} are too large to be told apart in ${this.bins} bins of float32; ` +
          'scale them down, or exclude this node from quantization',
      );
    const counts = addon.observe.histogram(data, -this.#limit, this.#limit, this.bins);
    for (let bin = 0; bin < this.bins; bin++) this.#counts[bin] += counts[bin];
  }

  #widen(needed: number): void {
    if (this.#limit === 0) {
      this.#limit = needed;
      return;
    }
    while (this.#limit < needed) {
      const merged = new Float64Array(this.bins);
      for (let bin = 0; bin < this.bins; bin++)
        merged[this.bins / 4 + Math.floor(bin / 2)] += this.#counts[bin];
      this.#counts = merged;
      this.#limit *= 2;
    }
  }
}
