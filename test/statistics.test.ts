import { expect, it } from 'vitest';
import { median, quantile } from '../lib/statistics.ts';

it('quantiles lie between neighbours as NumPy puts them', () => {
  // numpy.quantile([4, 1, 3, 2], [0, 0.5, 0.95, 1])
  expect([0, 0.5, 0.95, 1].map((q) => quantile([4, 1, 3, 2], q))).toEqual([1, 2.5, 3.8499999999999996, 4]);
});

it('median is the middle of an odd number of values, and the mean of two of an even one', () => {
  expect([median([7]), median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([7, 2, 2.5]);
});
