import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { chooseThreads, defaultThreads, parseCpuList } from '../../lib/runtime/threads.ts';

describe('threads', () => {
  it.each([
    [{ cores: 8 }, 8],
    [{ cores: 8, quota: 3.5 }, 3],
    [{ cores: 2, quota: 16 }, 2],
    [{ cores: 8, quota: 0.5 }, 1],
    [{ cores: 8, ompNumThreads: '3' }, 3],
    [{ cores: 8, ompNumThreads: '4,2' }, 4],
    [{ cores: 2, quota: 1, ompNumThreads: '6' }, 6],
    [{ cores: 8, ompNumThreads: '' }, 8],
    [{ cores: 8, ompNumThreads: '0' }, 8],
    [{ cores: 8, ompNumThreads: 'many' }, 8],
  ])('for %j are %i', (limits, expected) => {
    expect(chooseThreads(limits)).toBe(expected);
  });

  it('are between 1 and what this process may use', () => {
    expect(defaultThreads()).toBeGreaterThanOrEqual(1);
    if (!process.env.OMP_NUM_THREADS) expect(defaultThreads()).toBeLessThanOrEqual(availableParallelism());
  });

  it('are counted from lists of CPUs', () => {
    expect(parseCpuList('0-3,8,10-11')).toEqual([0, 1, 2, 3, 8, 10, 11]);
    expect(parseCpuList('5')).toEqual([5]);
  });
});
