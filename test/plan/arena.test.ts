import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arenaAlignment, type Lifetime, planArena } from '../../lib/plan/arena.ts';

const lifetimes = fc.array(
  fc
    .record({ bytes: fc.nat(5000), first: fc.nat(30), length: fc.nat(8) })
    .map(({ bytes, first, length }): Lifetime => ({ bytes, first, last: first + length })),
  { maxLength: 40 },
);

describe('planArena', () => {
  it('never lets two values that live at the same time overlap', () => {
    fc.assert(
      fc.property(lifetimes, (given) => {
        const { offsets, bytes } = planArena(given);
        given.forEach((a, i) => {
          expect(offsets[i] % arenaAlignment).toBe(0);
          expect(offsets[i] + a.bytes).toBeLessThanOrEqual(bytes);
          given.slice(0, i).forEach((b, j) => {
            const together = a.first <= b.last && b.first <= a.last;
            const apart = offsets[i] >= offsets[j] + b.bytes || offsets[j] >= offsets[i] + a.bytes;
            expect(!together || apart).toBe(true);
          });
        });
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('is at least its lower bound, and no larger than all values side by side', () => {
    fc.assert(
      fc.property(lifetimes, (given) => {
        const { bytes, lowerBound } = planArena(given);
        const total = given.reduce((sum, life) => sum + Math.ceil(life.bytes / 64) * 64, 0);
        expect(bytes).toBeGreaterThanOrEqual(lowerBound);
        expect(bytes).toBeLessThanOrEqual(total);
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  it('meets the lower bound on a chain, where two values live at a time', () => {
    const chain = [640, 128, 256, 1280, 64].map((bytes, i) => ({ bytes, first: i, last: i + 1 }));
    expect(planArena(chain)).toMatchObject({ bytes: 256 + 1280, lowerBound: 256 + 1280 });
  });

  it('takes the tightest gap', () => {
    // Two large values end and leave gaps of 192 and 128 bytes; what comes then fits the second exactly.
    const { offsets, bytes } = planArena([
      { bytes: 192, first: 0, last: 0 },
      { bytes: 1024, first: 0, last: 2 },
      { bytes: 128, first: 0, last: 0 },
      { bytes: 640, first: 0, last: 2 },
      { bytes: 128, first: 1, last: 1 },
    ]);
    expect(bytes).toBe(192 + 1024 + 128 + 640);
    expect(offsets[4]).not.toBe(offsets[1]);
  });

  it('of nothing is empty', () => {
    expect(planArena([])).toEqual({ offsets: [], bytes: 0, lowerBound: 0 });
  });
});
