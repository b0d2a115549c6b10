import { addon } from '../../native/addon.ts';

/** Part of the real line. */
export interface RealRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Counts of all values seen, over equal bins of [-limit, limit]. Where a value lies outside, the limit doubles and
 * neighbouring bins merge: the number of bins stays, and no count is ever spread over several.
 */
export class ZeroCentredHistogram {
  readonly bins: number;
  #counts: Float64Array;
  #limit = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** @throws Error when `bins` is no multiple of 4: zero must stay between two bins when pairs merge. */
  constructor(bins: number, owner: string) {
    if (!Number.isInteger(bins) || bins < 4 || bins % 4 !== 0)
      throw new Error(`${owner}: bins must be a positive multiple of 4, got ${bins}`);
    this.bins = bins;
    this.#counts = new Float64Array(bins);
  }

  /** Bin `i` holds the values from `-limit + i * binWidth` up. */
  get counts(): Float64Array {
    return this.#counts;
  }

  get limit(): number {
    return this.#limit;
  }

  get binWidth(): number {
    return (2 * this.#limit) / this.bins;
  }

  /** Smallest and largest value seen. */
  get range(): RealRange {
    return { min: this.#min, max: this.#max };
  }

  /**
   * Counts more values, which lie in `range`.
   * @throws Error when they are too large to be told apart in float32.
   */
  add(data: Float32Array, range: RealRange): void {
    this.#min = Math.min(this.#min, range.min);
    this.#max = Math.max(this.#max, range.max);
    this.#widen(Math.max(-this.#min, this.#max));
    // Zeros alone: they belong right of the middle, however wide the bins will be.
    if (this.#limit === 0) this.#counts[this.bins / 2] += data.length;
    else this.#count(data);
  }

  #count(data: Float32Array): void {
    // The kernel multiplies in float32, and needs some room above.
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
