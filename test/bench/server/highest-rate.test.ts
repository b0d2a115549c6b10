import { expect, test } from 'vitest';
import { highestRate } from '../../../bench/server/highest-rate.ts';

/** A server that keeps its bound up to a rate, and what was asked of it. */
function serverUpTo(limit: number) {
  const tried: number[] = [];
  const holds = async (rate: number) => {
    tried.push(rate);
    return rate <= limit;
  };
  return { tried, holds };
}

test('the span is halved around the limit', async () => {
  const { tried, holds } = serverUpTo(70);
  expect(await highestRate(holds, 100, 4)).toBe(68.75);
  expect(tried).toEqual([50, 75, 62.5, 68.75]);
});

test.each([0.5, 33, 99.99])('it comes within the last step below a limit of %d', async (limit) => {
  const found = await highestRate(serverUpTo(limit).holds, 100, 10);
  expect(found).toBeLessThanOrEqual(limit);
  expect(limit - found).toBeLessThanOrEqual(100 / 2 ** 10);
});

test('where no rate holds there is none', async () => {
  expect(await highestRate(serverUpTo(-1).holds, 100, 5)).toBe(0);
});
