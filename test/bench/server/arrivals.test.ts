import { expect, test } from 'vitest';
import { arrivalTimes } from '../../../bench/server/arrivals.ts';

const gapsOf = (times: Float64Array) => Array.from(times, (time, i) => time - (times[i - 1] ?? 0));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

test('constant arrivals lie at equal distances within the span', () => {
  // The one at 10 ms is no part of the span any more.
  expect(Array.from(arrivalTimes('constant', 500, 10, 1))).toEqual([2, 4, 6, 8]);
});

test('arrivals by chance have the mean, the spread and the memory of a Poisson process', () => {
  const gaps = gapsOf(arrivalTimes('poisson', 1000, 20_000, 7));
  // 20,000 gaps of 1 ms: their mean and deviation are 1 to about 1/sqrt(20,000) = 0.7 %. Four such errors.
  expect(Math.abs(mean(gaps) - 1)).toBeLessThan(0.03);
  const deviation = Math.sqrt(mean(gaps.map((gap) => (gap - mean(gaps)) ** 2)));
  expect(Math.abs(deviation - 1)).toBeLessThan(0.04);
  // Whether more than 1 ms has passed says nothing about the next 1 ms: exp(-1) of the gaps are longer, and exp(-2) than 2 ms.
  const longer = (than: number) => gaps.filter((gap) => gap > than).length / gaps.length;
  expect(Math.abs(longer(1) - Math.exp(-1))).toBeLessThan(0.015);
  expect(Math.abs(longer(2) - Math.exp(-2))).toBeLessThan(0.01);
});

test('a seed gives the same arrivals again, another one others', () => {
  const first = arrivalTimes('poisson', 100, 1000, 1);
  expect(arrivalTimes('poisson', 100, 1000, 1)).toEqual(first);
  expect(arrivalTimes('poisson', 100, 1000, 2)).not.toEqual(first);
});
