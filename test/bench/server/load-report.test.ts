import { expect, test } from 'vitest';
import { LoadCounter } from '../../../bench/server/load-report.ts';

test('percentiles of known latencies, linear between neighbours as in NumPy', () => {
  const counter = new LoadCounter();
  // 1 to 1001 in another order: 7 and 1001 have no common divisor but 7, so a step of 10 visits each once.
  for (let i = 0; i < 1001; i++) {
    counter.sent(i / 1000);
    counter.answered(1 + ((10 * i) % 1001));
  }
  const { lateP99, ...report } = counter.report(500);
  // numpy.percentile(numpy.arange(1, 1002), [50, 95, 99, 99.9])
  expect(report).toEqual({
    answered: 1001,
    refused: 0,
    perSecond: 2002,
    p50: 501,
    p95: 951,
    p99: 991,
    p999: 1000,
  });
  expect(lateP99).toBeCloseTo(0.99, 12);
});

test('a refused request has no latency, and is no result', () => {
  const counter = new LoadCounter();
  counter.answered(3);
  counter.refused();
  counter.refused();
  expect(counter.report(1000)).toMatchObject({ answered: 1, refused: 2, perSecond: 1, p999: 3 });
});
