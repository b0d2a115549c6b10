import { expect, it } from 'vitest';
import { median, quantile } from '../../bench/statistics.ts';

it('quantiles lie between neighbours as NumPy puts them', () => {
  // numpy.quantile([4, 1, 3, 2], [0, 0.5, 0.95, 1])
  expect([0, 0.5, 0.95, 1].map((q) => quantile([4, 1, 3, 2], q))).toEqual([1, 2.5, 3.8499999999999996, 4]);
  expect(median([7])).toBe(7);
});
