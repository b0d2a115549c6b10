import { isSymmetric } from '../qscheme.ts';
import { RangeObserver, type RangeObserverArgs } from './range-observer.ts';
import type { RealRange, ZeroCentredHistogram } from './zero-centred-histogram.ts';

/** Arguments of {@link PercentileObserver}. */
export interface PercentileObserverArgs extends RangeObserverArgs {
  /** Percentage of all values that must not saturate; default 99.999. */
  readonly percentile?: number;
}

/**
 * Saturates the outermost values, half of them at either end, or those of largest magnitude if the scheme is symmetric
 * (counterpart: ONNX Runtime's `PercentileCalibrater`). Accurate to the width of a bin.
 */
export class PercentileObserver extends RangeObserver {
  readonly percentile: number;

  constructor(args: PercentileObserverArgs = {}) {
    super(args);
    this.percentile = args.percentile ?? 99.999;
    if (!(this.percentile > 0 && this.percentile <= 100))
      throw new Error(
        `PercentileObserver: percentile must be above 0 and at most 100, got ${this.percentile}`,
      );
  }

  protected override chooseRange({ counts, bins, binWidth, limit }: ZeroCentredHistogram): RealRange {
    if (isSymmetric(this.qscheme)) {
      const magnitudes = Array.from(
        { length: bins / 2 },
        (_, bin) => counts[bins / 2 + bin] + counts[bins / 2 - 1 - bin],
      );
      const max = quantile(magnitudes, this.percentile / 100) * binWidth;
      return { min: -max, max };
    }
    const cut = (100 - this.percentile) / 200;
    const value = (position: number) => -limit + position * binWidth;
    return { min: value(quantile(counts, cut)), max: value(quantile(counts, 1 - cut)) };
  }
}

/**
 * Where the cumulative count reaches the share `fraction`, in bins from the first. Counts are spread evenly over their
 * bin.
 */
function quantile(counts: ArrayLike<number>, fraction: number): number {
  const target = fraction * Array.from(counts).reduce((a, b) => a + b, 0);
  let below = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    if (counts[bin] > 0 && below + counts[bin] >= target) return bin + (target - below) / counts[bin];
    below += counts[bin];
  }
  return counts.length;
}
