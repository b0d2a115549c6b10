import { median } from '../statistics.ts';

/** Times of two ways to compute the same, taken in turns: pairs share what the machine did meanwhile. */
export interface PairedTimes {
  readonly current: readonly number[];
  readonly challenger: readonly number[];
}

/** How many standard errors a gain must exceed: noise then passes for one less than once in a hundred measurements. */
const confidence = 4;

/** Of the median over that of the mean, for normally distributed values. */
const standardErrorOfMedian = Math.sqrt(Math.PI / 2);

/** Of a standard deviation over the median absolute deviation, for normally distributed values. */
const deviationOfMad = 1.4826;

/** Below this share of the current time a gain is not worth a change, however sure it is. */
const leastGain = 0.02;

/**
 * Whether the challenger is faster beyond doubt: the median of the gains in each pair exceeds their noise. Medians, since a
 * run that was interrupted takes any time.
 */
export function isFaster({ current, challenger }: PairedTimes): boolean {
  const gains = current.map((time, i) => time - challenger[i]);
  const gain = median(gains);
  const deviation = deviationOfMad * median(gains.map((each) => Math.abs(each - gain)));
  const noise = (confidence * standardErrorOfMedian * deviation) / Math.sqrt(gains.length);
  return gain > Math.max(noise, leastGain * median(current));
}
