import { RangeObserver, type RangeObserverArgs } from './range-observer.ts';
import type { RealRange, ZeroCentredHistogram } from './zero-centred-histogram.ts';

/** Arguments of {@link EntropyObserver}. */
export interface EntropyObserverArgs extends RangeObserverArgs {
  /** Levels that the compared distribution is reduced to; default 128, as in TensorRT and ONNX Runtime. */
  readonly quantizedBins?: number;
}

/** Count of an empty bin after smoothing, so that logarithms are finite. */
const EPSILON = 1e-4;

/**
 * Chooses the range that loses the least information. For each range around zero it reduces the values to a few levels;
 * the least Kullback-Leibler divergence from the original values wins (counterparts: TensorRT's entropy calibrator,
 * ONNX Runtime's `EntropyCalibrater`).
 */
export class EntropyObserver extends RangeObserver {
  readonly quantizedBins: number;

  constructor(args: EntropyObserverArgs = {}) {
    super(args);
    this.quantizedBins = args.quantizedBins ?? 128;
    const { bins = 2048 } = args;
    if (!Number.isInteger(this.quantizedBins) || this.quantizedBins < 2 || this.quantizedBins > bins)
      throw new Error(
        `EntropyObserver: quantizedBins must be an integer from 2 to the ${bins} bins, got ${this.quantizedBins}`,
      );
  }

  protected override chooseRange({ counts, bins, binWidth }: ZeroCentredHistogram): RealRange {
    const middle = bins / 2;
    let best = middle;
    let least = Number.POSITIVE_INFINITY;
    for (let half = Math.floor(this.quantizedBins / 2); half <= middle; half++) {
      const inside = counts.subarray(middle - half, Math.min(middle + half + 1, bins));
      const left = sum(counts.subarray(0, middle - half));
      const right = sum(counts.subarray(Math.min(middle + half + 1, bins)));
      const divergence = this.#divergence(inside, left, right);
      if (divergence < least) [least, best] = [divergence, half];
    }
    return { min: -best * binWidth, max: Math.min(best + 1, middle) * binWidth };
  }

  /**
   * Divergence between the values inside a range, with saturated values at its ends, and the same values at fewer
   * levels.
   */
  #divergence(inside: Float64Array, left: number, right: number): number {
    const saturated = inside.slice();
    saturated[0] += left;
    saturated[saturated.length - 1] += right;
    const reduced = new Float64Array(inside.length);
    const merged = Math.floor(inside.length / this.quantizedBins);
    for (let level = 0; level < this.quantizedBins; level++) {
      const start = level * merged;
      const end = level === this.quantizedBins - 1 ? inside.length : start + merged;
      spread(inside, saturated, reduced, start, end);
    }
    return smooth(saturated) && smooth(reduced) ? divergence(saturated, reduced) : Number.POSITIVE_INFINITY;
  }
}

/** One level: the total of its bins, spread evenly over its nonempty bins. */
function spread(
  inside: Float64Array,
  saturated: Float64Array,
  reduced: Float64Array,
  start: number,
  end: number,
): void {
  let occupied = 0;
  for (let bin = start; bin < end; bin++) if (saturated[bin] !== 0) occupied++;
  if (occupied === 0) return;
  const share = sum(inside.subarray(start, end)) / occupied;
  for (let bin = start; bin < end; bin++) if (saturated[bin] !== 0) reduced[bin] = share;
}

/** Moves a little of the nonempty bins' counts to the empty ones. @returns whether there is anything to move. */
function smooth(counts: Float64Array): boolean {
  const zeros = counts.reduce((n, count) => (count === 0 ? n + 1 : n), 0);
  if (zeros === counts.length) return false;
  const given = (EPSILON * zeros) / (counts.length - zeros);
  for (let bin = 0; bin < counts.length; bin++)
    counts[bin] = counts[bin] === 0 ? EPSILON : Math.max(counts[bin] - given, EPSILON);
  return true;
}

/** The sum of p log(p / q), with p and q normalized to a sum of one. */
function divergence(p: Float64Array, q: Float64Array): number {
  const [totalP, totalQ] = [sum(p), sum(q)];
  let result = 0;
  for (let bin = 0; bin < p.length; bin++)
    result += (p[bin] / totalP) * Math.log((p[bin] * totalQ) / (q[bin] * totalP));
  return result;
}

function sum(counts: Float64Array): number {
  let total = 0;
  for (let bin = 0; bin < counts.length; bin++) total += counts[bin];
  return total;
}
