/** Memory that is needed from step `first` to step `last`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface ArenaPlan {
  /** Byte offset of each lifetime, in the order given. */
  readonly offsets: readonly number[];
  /** Size of the arena. */
  readonly bytes: number;
  /** The largest sum of bytes alive at one step: no plan can be smaller. */
  readonly lowerBound: number;
}

/** Offsets are multiples of a cache line, so that no two values share one and vectors load aligned. */
export const arenaAlignment = 64;

const align = (bytes: number): number => Math.ceil(bytes / arenaAlignment) * arenaAlignment;

/**
 * Places lifetimes in one block of memory so that no two that overlap in time overlap in space (greedy by size, best
 * fit). The largest comes first, and each goes into the tightest gap that earlier ones leave open during its lifetime.
 */
export function planArena(lifetimes: readonly Lifetime[]): ArenaPlan {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const bySize = lifetimes.map((_, i) => i).sort((a, b) => lifetimes[b].bytes - lifetimes[a].bytes || a - b);
  const placed: number[] = [];
  for (const index of bySize) {
    const { bytes, first, last } = lifetimes[index];
    const neighbours = placed
      .filter((other) => lifetimes[other].first <= last && first <= lifetimes[other].last)
      .sort((a, b) => offsets[a] - offsets[b]);
    offsets[index] = tightestGap(align(bytes), neighbours, lifetimes, offsets);
    placed.push(index);
  }
  const ends = lifetimes.map(({ bytes }, i) => offsets[i] + align(bytes));
  return { offsets, bytes: Math.max(0, ...ends), lowerBound: peakOf(lifetimes) };
}

function tightestGap(
  bytes: number,
  neighbours: readonly number[],
  lifetimes: readonly Lifetime[],
  offsets: readonly number[],
): number {
  let end = 0;
  let best = -1;
  let bestGap = Number.POSITIVE_INFINITY;
  for (const neighbour of neighbours) {
    const gap = offsets[neighbour] - end;
    if (gap >= bytes && gap < bestGap) [best, bestGap] = [end, gap];
    end = Math.max(end, offsets[neighbour] + align(lifetimes[neighbour].bytes));
  }
  return best >= 0 ? best : end;
}

function peakOf(lifetimes: readonly Lifetime[]): number {
  const starts = new Set(lifetimes.map(({ first }) => first));
  let peak = 0;
  for (const step of starts) {
    const alive = lifetimes.filter(({ first, last }) => first <= step && step <= last);
    peak = Math.max(
      peak,
      alive.reduce((sum, { bytes }) => sum + align(bytes), 0),
    );
  }
  return peak;
}
