import { describe, expect, it } from 'vitest';
import {
  EntropyObserver,
  MSEObserver,
  NoopObserver,
  PercentileObserver,
  RecordingObserver,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { random } from '../support/graph-builder.ts';

/** Normally distributed values, by Box and Muller, with a few far away. */
function values(count: number, seed: number, change: (x: number) => number = (x) => x): number[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, i) => {
    const x = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    return Math.fround(change(i % 997 === 5 ? 5 * x : x));
  });
}

const inputs: Readonly<Record<string, number[]>> = {
  normal: values(20_000, 1),
  'after relu': values(20_000, 2, (x) => Math.max(x, 0)),
  lopsided: values(20_000, 3, (x) => (x < 0 ? 0.2 * x : 3 * x)),
  'all below zero': values(20_000, 4, (x) => -Math.abs(x) - 1),
};
const cases = Object.keys(inputs).map((name) => [name] as const);
const tensor = (data: readonly number[]) => Tensor.from('float32', data);

/** In `parts` batches of growing range, so that the histogram has to widen. */
function observe<T extends { forward(x: Tensor): Tensor }>(
  observer: T,
  data: readonly number[],
  parts: number,
): T {
  const sorted = parts === 1 ? data : [...data].sort((a, b) => Math.abs(a) - Math.abs(b));
  const size = Math.ceil(data.length / parts);
  for (let i = 0; i < parts; i++) observer.forward(tensor(sorted.slice(i * size, (i + 1) * size)));
  return observer;
}

const greatest = (data: readonly number[]) => data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** NumPy's `percentile`: linear between the two nearest of the sorted values. */
function percentile(data: readonly number[], percent: number): number {
  const sorted = [...data].sort((a, b) => a - b);
  const position = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

describe.each([1, 5])('PercentileObserver, %i batches', (parts) => {
  // Where values lie densely, what the percentile falls between lies in one bin or in two neighbouring ones. A range
  // that doubled leaves bins of up to twice the width.
  const tolerance = (data: readonly number[]) => (2 * 2 * 2 * greatest(data)) / 2048;

  it.each(cases)('%s: the outermost values are cut off at both ends', (name) => {
    for (const kept of [90, 99, 99.5]) {
      const { min, max } = observe(
        new PercentileObserver({ percentile: kept }),
        inputs[name],
        parts,
      ).searchRange();
      const cut = (100 - kept) / 2;
      expect(Math.abs(min - percentile(inputs[name], cut))).toBeLessThan(tolerance(inputs[name]));
      expect(Math.abs(max - percentile(inputs[name], 100 - cut))).toBeLessThan(tolerance(inputs[name]));
    }
  });

  it.each(cases)('%s: the values of largest magnitude, around zero', (name) => {
    const observer = new PercentileObserver({
      percentile: 99,
      qscheme: 'per_tensor_symmetric',
      dtype: 'int8',
    });
    const { scale, zeroPoint } = observe(observer, inputs[name], parts).calculateQparams();
    const magnitude = percentile(inputs[name].map(Math.abs), 99);
    expect(Math.abs(scale.item() * 127.5 - magnitude)).toBeLessThan(tolerance(inputs[name]));
    expect(zeroPoint.item()).toBe(0);
  });
});

/** ONNX Runtime's `get_entropy_threshold` as its source tells it, in double precision and with plain loops. */
function entropyThreshold(hist: readonly number[], limit: number, levels: number): readonly [number, number] {
  const n = hist.length;
  const width = (2 * limit) / n;
  const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  let best: readonly [number, number] = [-limit, limit];
  let least = Number.POSITIVE_INFINITY;
  for (let i = levels / 2; i <= n / 2; i++) {
    const [start, end] = [n / 2 - i, Math.min(n / 2 + i + 1, n)];
    const sliced = hist.slice(start, end);
    const p = [...sliced];
    p[0] += total(hist.slice(0, start));
    p[p.length - 1] += total(hist.slice(end));
    const merged = Math.floor(p.length / levels);
    const q = p.map(() => 0);
    for (let level = 0; level < levels; level++) {
      const [from, to] = [level * merged, level === levels - 1 ? p.length : (level + 1) * merged];
      const occupied = p.slice(from, to).filter((count) => count !== 0).length;
      for (let bin = from; bin < to; bin++)
        if (p[bin] !== 0) q[bin] = total(sliced.slice(from, to)) / occupied;
    }
    const smooth = (list: readonly number[]) => {
      const zeros = list.filter((count) => count === 0).length;
      return list.map((c) => (c === 0 ? 1e-4 : Math.max(c - (1e-4 * zeros) / (list.length - zeros), 1e-4)));
    };
    if (total(q) === 0) continue;
    const [ps, qs] = [smooth(p), smooth(q)];
    const [pt, qt] = [total(ps), total(qs)];
    const kl = ps.reduce((sum, value, bin) => sum + (value / pt) * Math.log(value / pt / (qs[bin] / qt)), 0);
    if (kl < least) [least, best] = [kl, [-limit + start * width, -limit + end * width]];
  }
  return best;
}

describe('EntropyObserver', () => {
  it.each(cases)('%s: the range of least divergence', (name) => {
    const data = inputs[name];
    const [bins, levels] = [512, 64];
    const limit = greatest(data);
    const hist = Array<number>(bins).fill(0);
    // In float32, in the order torch.histc computes it: a value on an edge then falls into the same bin.
    const f = Math.fround;
    for (const x of data) hist[Math.min(Math.trunc(f(f(f(x + limit) * bins) / f(2 * limit))), bins - 1)]++;
    const [low, high] = entropyThreshold(hist, limit, levels);
    const { min, max } = observe(new EntropyObserver({ bins, quantizedBins: levels }), data, 1).searchRange();
    expect(min).toBeCloseTo(Math.max(low, Math.min(...data)), 6);
    expect(max).toBeCloseTo(Math.min(high, Math.max(...data)), 6);
    // It is a choice: the few values far away saturate.
    if (name === 'normal') expect(max).toBeLessThan(0.7 * limit);
  });
});

/** The mean squared error of quantizing the values themselves onto 256 levels over a range, which holds zero. */
function squaredError(data: readonly number[], low: number, high: number): number {
  const [min, max] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = (max - min) / 255;
  const zeroPoint = Math.round(-min / scale);
  const error = (x: number) =>
    x - (Math.min(Math.max(Math.round(x / scale) + zeroPoint, 0), 255) - zeroPoint) * scale;
  return data.reduce((sum, x) => sum + error(x) ** 2, 0) / data.length;
}

describe.each([1, 5])('MSEObserver, %i batches', (parts) => {
  it.each(cases)('%s: the part of the range with the least squared error', (name) => {
    const data = inputs[name];
    const [min, max] = [Math.min(...data), Math.max(...data)];
    const errors = Array.from({ length: 100 }, (_, i) =>
      squaredError(data, (min * (i + 1)) / 100, (max * (i + 1)) / 100),
    );
    const range = observe(new MSEObserver(), data, parts).searchRange();
    const chosen = squaredError(data, range.min, range.max);
    // The observer knows values to a bin's width only, which is a quarter of a step or less.
    expect(chosen).toBeLessThan(1.15 * Math.min(...errors));
    if (name === 'normal') expect(chosen).toBeLessThan(0.99 * errors[99]);
  });
});

describe('observers of ranges', () => {
  const classes = { PercentileObserver, EntropyObserver, MSEObserver };

  it.each(Object.entries(classes))('%s: zeros, constants, bad input and bad arguments', (name, Observer) => {
    expect(() => new Observer().calculateQparams()).toThrow(/has seen no tensor/);
    const zeros = observe(new Observer(), [0, 0, 0], 1);
    expect(zeros.searchRange()).toEqual({ min: 0, max: 0 });
    expect(zeros.calculateQparams().zeroPoint.item()).toBe(0);
    // The zeros count as zeros also when the range grows a million times after them.
    zeros.forward(tensor([1e-3]));
    zeros.forward(tensor([1e3]));
    expect(zeros.searchRange().min).toBeCloseTo(0, 4);
    expect(observe(new Observer(), [3, 3, 3], 1).searchRange().max).toBeCloseTo(3, 6);
    expect(() => new Observer().forward(tensor([-1e38, 1]))).toThrow(/too large to be told apart/);
    expect(() => new Observer().forward(tensor([1, Number.NaN]))).toThrow(/holds NaN/);
    expect(() => new Observer({ bins: 6 })).toThrow(`${name}: bins must be a positive multiple of 4, got 6`);
    expect(() => new Observer({ isDynamic: true })).toThrow(/dynamic/);
  });

  it('arguments of their own', () => {
    expect(() => new PercentileObserver({ percentile: 0 })).toThrow(/above 0 and at most 100, got 0/);
    expect(() => new EntropyObserver({ quantizedBins: 1 })).toThrow(/from 2 to the 2048 bins, got 1/);
    expect(() => new EntropyObserver({ bins: 64 })).toThrow(/from 2 to the 64 bins, got 128/);
  });
});

describe('observers that observe nothing', () => {
  it('NoopObserver carries a dtype', () => {
    const observer = new NoopObserver();
    const x = tensor([1, 2]);
    expect(observer.forward(x)).toBe(x);
    expect(observer.dtype).toBe('float16');
    expect(() => observer.calculateQparams()).toThrow(/observes nothing/);
  });

  it('RecordingObserver keeps copies', () => {
    const observer = new RecordingObserver();
    const x = tensor([1, 2]);
    observer.forward(x);
    x.data[0] = 7;
    observer.forward(x);
    expect(observer.getTensorValue().map((kept) => kept.toArray())).toEqual([
      [1, 2],
      [7, 2],
    ]);
    expect(() => observer.calculateQparams()).toThrow(/only records/);
  });
});
