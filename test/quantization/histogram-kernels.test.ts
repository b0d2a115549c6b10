import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';

interface Golden {
  readonly kind: string;
  readonly min: number;
  readonly max: number;
  readonly histogram: number[];
  readonly search: [number, number];
  readonly wider: [number, number];
  readonly rescaled: number[];
}

/** Histograms of three times 200,000 random values over growing ranges, with what PyTorch's HistogramObserver does to them. */
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/quantization/histogram_search.json', import.meta.url), 'utf8'),
) as Golden[];

const { observe } = addon;
const f32 = Math.fround;

describe.each(golden)('a histogram of $kind values', ({ min, max, histogram, search, wider, rescaled }) => {
  const counts = Float32Array.from(histogram);

  it('is searched for PyTorch’s range, which needs PyTorch’s bits', () => {
    const { first, last } = observe.searchHistogram(counts, min, max, 256);
    const width = f32(f32(max - min) / counts.length);
    expect([f32(min + f32(width * first)), f32(min + f32(width * (last + 1)))]).toEqual(search);
  });

  it('is moved into a wider range as by PyTorch', () => {
    const sums = new Float32Array(counts.length).fill(1);
    observe.rescaleHistogram(counts, min, max, ...wider, sums);
    expect([...sums]).toEqual(rescaled.map((count) => f32(f32(count) + 1)));
  });
});

describe('histogram', () => {
  it('counts every element in range once, both ends included', () => {
    const data = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i) * 3);
    data[7] = Number.NaN;
    const counts = observe.histogram(data, -2, 2, 16);
    const expected = new Float32Array(16);
    for (const x of data) if (x >= -2 && x <= 2) expected[Math.min(15, Math.floor(((x + 2) / 4) * 16))]++;
    expect(counts).toEqual(expected);
    expect([...observe.histogram(Float32Array.of(-1, 1, 1), -1, 1, 2)]).toEqual([1, 2]);
  });

  it('stays in its table where the arithmetic overflows', () => {
    const counts = observe.histogram(Float32Array.of(-3e38, 0, 3e38), -3e38, 3e38, 2048);
    expect(counts.reduce((a, b) => a + b)).toBe(3);
  });

  it('refuses ranges and sizes that make no sense', () => {
    const data = new Float32Array(4);
    expect(() => observe.histogram(data, 1, 1, 4)).toThrow(/not empty/);
    expect(() => observe.histogram(data, 0, Number.POSITIVE_INFINITY, 4)).toThrow(/finite/);
    expect(() => observe.histogram(data, 0, 1, 0)).toThrow(/needs bins/);
    expect(() => observe.histogram([1] as unknown as Float32Array, 0, 1, 4)).toThrow(/Float32Array/);
    expect(() => observe.minMax(data, 1, 3, new Float32Array(1), new Float32Array(1))).toThrow(/do not fit/);
    expect(() => observe.minMax(data, 1, 4, new Float32Array(1), new Float32Array(2))).toThrow(/do not fit/);
    expect(() => observe.rescaleHistogram(data, 0, 1, 0, 2, new Float32Array(3))).toThrow(
      /same number of bins/,
    );
    expect(() => observe.searchHistogram(new Float32Array(0), 0, 1, 256)).toThrow(/needs bins/);
  });
});

describe('minMax', () => {
  it('gives extremes of every channel, whatever lies around them', () => {
    for (const [outer, channels, inner] of [
      [1, 1, 1],
      [1, 1, 63],
      [1, 1, 64],
      [1, 1, 1000],
      [3, 5, 7],
      [2, 3, 129],
      [4, 70, 1],
    ]) {
      const data = Float32Array.from({ length: outer * channels * inner }, (_, i) => Math.cos(i * 7.1) * 10);
      const minima = new Float32Array(channels);
      const maxima = new Float32Array(channels);
      expect(observe.minMax(data, outer, inner, minima, maxima)).toBe(false);
      for (let c = 0; c < channels; c++) {
        const channel = data.filter((_, i) => Math.floor(i / inner) % channels === c);
        expect([minima[c], maxima[c]]).toEqual([Math.min(...channel), Math.max(...channel)]);
      }
      data[data.length - 1] = Number.NaN;
      expect(observe.minMax(data, outer, inner, minima, maxima)).toBe(true);
    }
  });
});
