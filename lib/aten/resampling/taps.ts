import type { Attributes } from '../../native/addon-types.ts';

/**
 * One axis resampled: each new position is a weighted sum of `counts` old ones from `begins` on. A position without any
 * is outside of the image.
 */
export interface Taps {
  readonly axis: number;
  readonly begins: readonly number[];
  readonly counts: readonly number[];
  /** A row for each new position, all as long as the longest. */
  readonly weights: Float32Array;
}

/** How much an old position counts by its distance from a new one. */
export interface Filter {
  /** Positions at this distance or further count nothing. */
  readonly radius: number;
  readonly weight: (distance: number) => number;
}

/** Linear interpolation. */
export const linear: Filter = { radius: 1, weight: (x) => Math.max(1 - Math.abs(x), 0) };

/** Keys's cubic convolution; -0.75 and -0.5 are usual coefficients. */
export const cubic = (a: number): Filter => ({
  radius: 2,
  weight: (distance) => {
    const x = Math.abs(distance);
    if (x >= 2) return 0;
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  },
});

export interface Sampling {
  readonly axis: number;
  /** The old extent. */
  readonly extent: number;
  /** Where each new position is among the old ones; undefined outside of the image. */
  readonly positions: readonly (number | undefined)[];
  readonly filter: Filter;
  /** The filter is that much wider, against aliasing where an image shrinks; 1 otherwise. */
  readonly stretch: number;
  /** What the filter has beyond the image's ends counts nothing; otherwise the outermost positions are repeated. */
  readonly excludesOutside: boolean;
}

/** The weighted sums that resample an axis. */
export function tapsOf({ axis, extent, positions, filter, stretch, excludesOutside }: Sampling): Taps {
  const rows = positions.map((at) => {
    const weights = new Map<number, number>();
    if (at === undefined) return weights;
    const reach = filter.radius * stretch;
    let sum = 0;
    for (let i = Math.floor(at - reach) + 1; i < at + reach; i++) {
      const isOutside = i < 0 || i >= extent;
      const weight = excludesOutside && isOutside ? 0 : filter.weight((i - at) / stretch);
      const inside = Math.min(Math.max(i, 0), extent - 1);
      weights.set(inside, (weights.get(inside) ?? 0) + weight);
      sum += weight;
    }
    if (stretch === 1 && !excludesOutside) return weights;
    // Nothing is left where a place is too far outside.
    return sum === 0 ? new Map() : new Map([...weights].map(([i, weight]) => [i, weight / sum]));
  });
  return packed(axis, rows);
}

/**
 * The way back, for gradients: each old position is the sum of the new ones that read it.
 * @param extent the old one.
 */
export function transposedTaps({ axis, begins, counts, weights }: Taps, extent: number): Taps {
  const rows = Array.from({ length: extent }, () => new Map<number, number>());
  const longest = weights.length / begins.length;
  begins.forEach((begin, at) => {
    for (let k = 0; k < counts[at]; k++) rows[begin + k].set(at, weights[at * longest + k]);
  });
  return packed(axis, rows);
}

/** Drops weights of 0 at the ends, so that each position reads as few as it can. */
function packed(axis: number, rows: readonly ReadonlyMap<number, number>[]): Taps {
  const kept = rows.map((row) => {
    const counting = [...row].filter(([, weight]) => weight !== 0).map(([i]) => i);
    const begin = Math.min(...counting);
    const end = Math.max(...counting) + 1;
    return counting.length === 0 ? { begin: 0, count: 0 } : { begin, count: end - begin };
  });
  const longest = Math.max(0, ...kept.map(({ count }) => count));
  const weights = new Float32Array(rows.length * longest);
  rows.forEach((row, at) => {
    const { begin, count } = kept[at];
    for (let k = 0; k < count; k++) weights[at * longest + k] = row.get(begin + k) ?? 0;
  });
  return {
    axis,
    begins: kept.map(({ begin }) => begin),
    counts: kept.map(({ count }) => count),
    weights,
  };
}

/** Taps as the native step `resample` wants them. */
export const tapsAttributes = (taps: Taps): Attributes => ({ ...taps });
