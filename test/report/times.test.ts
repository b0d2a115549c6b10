import { describe, expect, it } from 'vitest';
import { timesInTurns } from '../../lib/report/times.ts';
import type { CompiledModel } from '../../lib/runtime/index.ts';

describe('times of two models', () => {
  it('are taken in turns, so that what slows the machine slows both', () => {
    const order: string[] = [];
    const timed = (name: string, nanoseconds: number) =>
      ({
        profile: () => {
          order.push(name);
          return [{ nanoseconds }];
        },
      }) as unknown as CompiledModel;
    const [a, b] = timesInTurns([timed('a', 10), timed('b', 30)], {});
    expect([a.total, b.total]).toEqual([10, 30]);
    expect([a.runs, b.runs]).toEqual([100, 100]);
    // Three rounds of warming up come first.
    expect(order.slice(6, 14).join('')).toBe('abbaabba');
  });
});
