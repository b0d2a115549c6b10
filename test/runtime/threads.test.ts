import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { compile } from '../../lib/runtime/index.ts';
import {
  chooseThreads,
  defaultThreads,
  divideThreads,
  type ThreadOptions,
} from '../../lib/runtime/threads.ts';
import { convNet } from '../support/models.ts';

describe('threads', () => {
  it.each([
    [{ cores: 8 }, 8],
    [{ cores: 8, quota: 3.5 }, 3],
    [{ cores: 2, quota: 16 }, 2],
    [{ cores: 8, quota: 0.5 }, 1],
    [{ cores: 8, ompNumThreads: '3' }, 3],
    [{ cores: 8, ompNumThreads: '4,2' }, 4],
    [{ cores: 2, quota: 1, ompNumThreads: '6' }, 6],
    [{ cores: 8, ompNumThreads: '5000' }, 1024],
    [{ cores: 2000 }, 1024],
    [{ cores: 8, ompNumThreads: '' }, 8],
    [{ cores: 8, ompNumThreads: '0' }, 8],
    [{ cores: 8, ompNumThreads: 'many' }, 8],
  ])('for %j are %i', (limits, expected) => {
    expect(chooseThreads(limits)).toBe(expected);
  });

  it.each<[ThreadOptions, number, number]>([
    [{}, 1, 8],
    [{ streams: 3 }, 3, 2],
    [{ streams: 20 }, 20, 1],
    [{ threadsPerStream: 3 }, 1, 3],
    [{ streams: 4, threadsPerStream: 16 }, 4, 16],
    [{ preset: 'latency' }, 1, 8],
    [{ preset: 'latency', streams: 2 }, 2, 4],
    [{ preset: 'latency', threadsPerStream: 5 }, 1, 5],
    [{ preset: 'throughput' }, 8, 1],
    [{ preset: 'throughput', threadsPerStream: 2 }, 4, 2],
    [{ preset: 'throughput', threadsPerStream: 3 }, 2, 3],
    [{ preset: 'throughput', threadsPerStream: 9 }, 1, 9],
    [{ preset: 'throughput', streams: 2 }, 2, 1],
  ])('of a model with %j on 8 cores are %i streams of %i', (options, streams, threadsPerStream) => {
    expect(divideThreads(options, 8)).toEqual({ streams, threadsPerStream });
  });

  it.each<[object, string]>([
    [{ streams: 0 }, 'compile: streams must be an integer from 1 to 1024, got 0'],
    [{ streams: '2' }, 'compile: streams must be an integer from 1 to 1024, got 2'],
    [{ threadsPerStream: 1.5 }, 'compile: threadsPerStream must be an integer from 1 to 1024, got 1.5'],
    [{ threadsPerStream: 1025 }, 'from 1 to 1024, got 1025'],
    [{ preset: 'fast' }, `compile: preset must be 'latency' or 'throughput', got "fast"`],
    [
      { preset: 'latency', streams: 4, threadsPerStream: 1 },
      "preset 'latency' has no say beside both streams (4) and threadsPerStream (1)",
    ],
  ])('cannot be divided by %j', (options, message) => {
    expect(() => divideThreads(options as ThreadOptions, 8)).toThrow(message);
    expect(() => compile(convNet(), options as ThreadOptions)).toThrow(message);
  });

  it('are what a model says it has', () => {
    using model = compile(convNet(), { preset: 'throughput' });
    expect(model).toMatchObject({ streams: defaultThreads(), threadsPerStream: 1 });
  });

  it('are between 1 and what this process may use', () => {
    expect(defaultThreads()).toBeGreaterThanOrEqual(1);
    if (!process.env.OMP_NUM_THREADS) expect(defaultThreads()).toBeLessThanOrEqual(availableParallelism());
  });
});
