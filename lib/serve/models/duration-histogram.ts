/** From what a small network takes to what nobody waits for, in seconds. */
export const durationBounds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** How often something took how long. */
export class DurationHistogram {
  /** By the first bound that is not exceeded; the last count is of those that exceed all. */
  readonly counts: number[] = new Array(durationBounds.length + 1).fill(0);
  /** Of all durations, in seconds. */
  sum = 0;

  add(seconds: number): void {
    const bucket = durationBounds.findIndex((bound) => seconds <= bound);
    this.counts[bucket < 0 ? durationBounds.length : bucket]++;
    this.sum += seconds;
  }
}
