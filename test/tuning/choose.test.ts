import { describe, expect, it } from 'vitest';
import { chooseCount, chooseKernels, chooseLayers } from '../../lib/tuning/choose.ts';
import { isFaster, type PairedTimes } from '../../lib/tuning/paired-times.ts';

/** A clock without surprises but noise: deviates by up to `noise` to both sides, the same for the same seed. */
function clock(noise: number, seed = 1) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return (milliseconds: number) => milliseconds + noise * random();
}

function pairs(current: number, challenger: number, noise: number, seed?: number): PairedTimes {
  const read = clock(noise, seed);
  const rounds = Array.from({ length: 15 }, () => [read(current), read(challenger)]);
  return { current: rounds.map(([time]) => time), challenger: rounds.map(([, time]) => time) };
}

describe('isFaster', () => {
  it.each([
    { current: 10, challenger: 8, noise: 0.5, faster: true },
    { current: 10, challenger: 12, noise: 0.5, faster: false },
    { current: 10, challenger: 9.5, noise: 4, faster: false },
    { current: 10, challenger: 9.9, noise: 0, faster: false },
    { current: 10, challenger: 9.7, noise: 0, faster: true },
  ])(
    '$current against $challenger ms, noise of $noise: $faster',
    ({ current, challenger, noise, faster }) => {
      expect(isFaster(pairs(current, challenger, noise))).toBe(faster);
    },
  );

  it('takes what is equally fast for faster at most once in a hundred times', () => {
    const wrong = Array.from({ length: 1000 }, (_, seed) => isFaster(pairs(10, 10, 2, seed + 1)));
    expect(wrong.filter(Boolean).length).toBeLessThan(10);
  });

  it('is not misled by runs that were interrupted', () => {
    const { current, challenger } = pairs(10, 8, 0.5);
    const interrupted = challenger.map((time, i) => (i % 5 === 0 ? 20 * time : time));
    expect(isFaster({ current, challenger: interrupted })).toBe(true);
  });
});

describe('chooseLayers', () => {
  /** Milliseconds that each layer takes on integers and in floating point. */
  const costs: Readonly<Record<string, readonly [number, number]>> = {
    stem: [2, 1.5],
    wide: [1, 4],
    depthwise: [1, 0.8],
    doubtful: [1, 0.99],
  };
  const time = (inFloat: readonly string[]) =>
    Object.entries(costs).reduce(
      (sum, [name, [int8, float]]) => sum + (inFloat.includes(name) ? float : int8),
      0,
    );

  it('takes out what is faster so, and keeps the rest, against the best so far', () => {
    const races: string[] = [];
    const decisions = chooseLayers(Object.keys(costs), (current, challenger) => {
      races.push(`${current} | ${challenger}`);
      return pairs(time(current), time(challenger), 0.02);
    });
    expect(decisions.map(({ node, choice }) => `${node} ${choice}`)).toEqual([
      'stem float',
      'wide int8',
      'depthwise float',
      'doubtful int8',
    ]);
    expect(races).toEqual([
      ' | stem',
      'stem | stem,wide',
      'stem | stem,depthwise',
      'stem,depthwise | stem,depthwise,doubtful',
    ]);
    expect(decisions[0].times.int8).toBeCloseTo(5, 1);
    expect(decisions[0].times.float).toBeCloseTo(4.5, 1);
  });

  it('changes nothing where noise is greater than any gain', () => {
    const decisions = chooseLayers(Object.keys(costs), (current, challenger) =>
      pairs(time(current), time(challenger), 8),
    );
    expect(decisions.map(({ choice }) => choice)).toEqual(['int8', 'int8', 'int8', 'int8']);
  });
});

describe('chooseCount', () => {
  it.each([
    { times: { 1: 8, 2: 5, 4: 3, 6: 3.5 }, estimate: 6, choice: 4 },
    { times: { 1: 1, 2: 2, 4: 3 }, estimate: 4, choice: 1 },
    { times: { 1: 8, 2: 5 }, estimate: 2, choice: 2 },
  ] as { times: Record<number, number>; estimate: number; choice: number }[])(
    'finds the best of $times, beginning with $estimate',
    ({ times, estimate, choice }) => {
      const others = Object.keys(times)
        .map(Number)
        .filter((count) => count !== estimate);
      const chosen = chooseCount(estimate, others, (current, challenger) =>
        pairs(times[current], times[challenger], 0.1),
      );
      expect(chosen.choice).toBe(choice);
      expect(Object.keys(chosen.times)).toEqual(Object.keys(times));
      for (const [count, time] of Object.entries(chosen.times))
        expect(time).toBeCloseTo(times[Number(count)], 0);
    },
  );
});

describe('chooseKernels', () => {
  const milliseconds: Readonly<Record<string, number>> = { jit: 10, brgconv: 8, gemm: 7, slow: 30 };
  /** Of two steps the first has all kernels, the second no other. */
  const race = (current: readonly { node: string; choice: string }[], candidate: string) => {
    const first = current.find(({ node }) => node === 'a')?.choice ?? 'jit';
    const times = pairs(milliseconds[first], milliseconds[candidate], 0.2);
    return [
      { node: 'a', names: [first, candidate] as const, paired: times },
      { node: 'b', names: ['jit', 'jit'] as const, paired: pairs(10, 5, 0) },
    ];
  };
  const where = { shapes: [[1]], isa: 'avx2' };
  const choices = (candidates: readonly string[]) =>
    chooseKernels(where, candidates, race).map(({ node, choice, times }) => [
      node,
      choice,
      Object.keys(times),
    ]);

  it('takes what beats the one before, and no step that has no other', () => {
    expect(choices(['brgconv'])).toEqual([['a', 'brgconv', ['jit', 'brgconv']]]);
    expect(choices(['slow', 'brgconv', 'gemm'])).toEqual([['a', 'gemm', ['jit', 'brgconv', 'gemm']]]);
    expect(choices(['gemm', 'brgconv'])).toEqual([['a', 'gemm', ['jit', 'gemm']]]);
  });

  it('decides nothing where nothing is faster, or nothing raced', () => {
    expect(choices(['slow', 'jit'])).toEqual([]);
    expect(chooseKernels(where, ['brgconv'], () => [])).toEqual([]);
  });
});
