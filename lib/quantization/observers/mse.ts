import { RangeObserver, type RangeObserverArgs } from './range-observer.ts';
import type { RealRange, ZeroCentredHistogram } from './zero-centred-histogram.ts';

/** Number of parts of the whole range that are tried. */
const CANDIDATES = 100;

/**
 * Quantizes the part of the range, from 1% to 100% of both its ends, that has the least squared error with the
 * parameters this observer would compute for it. Unlike {@link HistogramObserver}'s search, it tries every candidate
 * and uses the actual scheme and quantized range.
 */
export class MSEObserver extends RangeObserver {
  constructor(args: RangeObserverArgs = {}) {
    // Finer than the steps of 8-bit integers, because errors are computed at the bins' centres.
    super({ bins: 8192, ...args });
  }

  protected override chooseRange(histogram: ZeroCentredHistogram): RealRange {
    const { min, max } = histogram.range;
    let best = { min, max };
    let least = Number.POSITIVE_INFINITY;
    for (let part = CANDIDATES; part > 0; part--) {
      const candidate = { min: (min * part) / CANDIDATES, max: (max * part) / CANDIDATES };
      const error = this.#squaredError(histogram, candidate);
      if (error < least) [least, best] = [error, candidate];
    }
    return best;
  }

  /** The error if each bin's values were all at its centre. */
  #squaredError({ counts, limit, binWidth }: ZeroCentredHistogram, range: RealRange): number {
    const qparams = this.qparamsOfRange(range);
    const [scale, zeroPoint] = [qparams.scale.item(), Number(qparams.zeroPoint.item())];
    const [low, high] = [(this.quantMin - zeroPoint) * scale, (this.quantMax - zeroPoint) * scale];
    let error = 0;
    for (let bin = 0; bin < counts.length; bin++) {
      if (counts[bin] === 0) continue;
      const value = -limit + (bin + 0.5) * binWidth;
      const quantized = Math.min(Math.max(Math.round(value / scale) * scale, low), high);
      error += counts[bin] * (value - quantized) ** 2;
    }
    return error;
  }
}
