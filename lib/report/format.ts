import type { JsonDecibels } from '../numerics/json-measures.ts';

/** Numbers for people, the same in the page's text and in what its script writes. */

/** `38.9 dB`; `exact` where nothing differs, `-∞ dB` where nothing is left. */
export function decibels(sqnr: JsonDecibels): string {
  if (sqnr === null) return 'exact';
  return sqnr === '-Infinity' ? '-∞ dB' : `${sqnr.toFixed(1)} dB`;
}

/** Where nothing differs is better than any number, and where nothing is left worse. */
export const sortableDecibels = (sqnr: JsonDecibels): number => (sqnr === '-Infinity' ? -1e6 : (sqnr ?? 1e6));

export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

/** `0.0031 %`: two significant digits, for shares that may be tiny. */
export const smallPercent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

/** `1.24 ms` or `36.3 µs`. */
export const duration = (nanoseconds: number): string =>
  nanoseconds < 1e6 ? `${(nanoseconds / 1e3).toFixed(1)} µs` : `${(nanoseconds / 1e6).toFixed(2)} ms`;

/** `97.8 MB` (powers of ten). */
export function byteSize(bytes: number): string {
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1e3 ** power).toPrecision(3))} ${['B', 'kB', 'MB', 'GB'][power]}`;
}

/** Four significant digits. */
export const real = (value: number): string => String(Number(value.toPrecision(4)));

/** `uint8 [s0, 64, 56, 56]` */
export const tensorText = (dtype: string, shape: readonly (number | string)[]): string =>
  `${dtype} [${shape.join(', ')}]`;
