import { randomExponential, randomLcg } from 'd3-random';

/** How requests come: by chance, as those of many users who know nothing of each other (Poisson), or at equal distances. */
export const arrivalKinds = ['poisson', 'constant'] as const;
export type Arrivals = (typeof arrivalKinds)[number];

/**
 * When requests come, in milliseconds from the start of a span of so many: over a long span as often a second as `rate` says, and
 * at the same times for the same seed.
 */
export function arrivalTimes(kind: Arrivals, rate: number, milliseconds: number, seed: number): Float64Array {
  const perMillisecond = rate / 1000;
  // Its seeds are fractions.
  const byChance = randomExponential.source(randomLcg(seed / 2 ** 32))(perMillisecond);
  const gap = kind === 'poisson' ? byChance : () => 1 / perMillisecond;
  const times: number[] = [];
  for (let time = gap(); time < milliseconds; time += gap()) times.push(time);
  return Float64Array.from(times);
}
