import { median } from '../statistics.ts';

/** Times of two ways to compute the same, measured in turns: each pair ran under the same conditions. */
export interface PairedTimes {
  readonly current: readonly number[];
  readonly challenger: readonly number[];
}

/** Number of standard errors that a gain must exceed: noise exceeds it less than once in a hundred measurements. */
const confidence = 4;

/** Standard error of the median relative to that of the mean, for normally distributed values. */
const standardErrorOfMedian = Math.sqrt(Math.PI / 2);

/** Standard deviation relative to the median absolute deviation, for normally distributed values. */
const deviationOfMad = 1.4826;

/** A gain below this share of the current time does not justify a change, even if it is significant. */
const leastGain = 0.02;

/**
 * Whether the challenger is significantly faster: the median of the gains in each pair exceeds their noise. Medians,
 * because an interrupted run can take any time.
 */
export function isFaster({ current, challenger }: PairedTimes): boolean {
  const gains = current.map((time, i) => time - challenger[i]);
  const gain = median(gains);
  const deviation = deviationOfMad * median(gains.map((each) => Math.abs(each - gain)));
  const noise = (confidence * standardErrorOfMedian * deviation) / Math.sqrt(gains.length);
  return gain > Math.max(noise, leastGain * median(current));
}
