import { cubic, type Filter, linear, type Taps, tapsOf } from './taps.ts';

/** An axis to interpolate. `factor` is what the caller asked for, if it said so. */
export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly factor: number | undefined;
}

const { fround } = Math;

/** How many old positions a new one is wide, in single precision as PyTorch computes it. */
function widthOf({ from, to, factor }: Axis, alignsCorners: boolean): number {
  if (alignsCorners) return to > 1 ? fround((from - 1) / (to - 1)) : 0;
  return factor !== undefined && factor > 0 ? fround(1 / factor) : fround(from / to);
}

/** The place of a new position among the old ones. */
function placeOf(at: number, width: number, alignsCorners: boolean): number {
  return alignsCorners ? fround(width * at) : fround(fround(width * fround(at + 0.5)) - 0.5);
}

/** The weighted sums that make each position of a new axis; `at` is its number among the tensor's axes. */
export type Method = (axis: Axis, at: number, alignsCorners: boolean) => Taps;

const filtered =
  (filter: Filter): Method =>
  (axis, at, alignsCorners) => {
    const width = widthOf(axis, alignsCorners);
    const isSame = axis.from === axis.to && axis.factor === undefined;
    const positions = Array.from({ length: axis.to }, (_, i) =>
      isSame ? i : placeOf(i, width, alignsCorners),
    );
    return tapsOf({ axis: at, extent: axis.from, positions, filter, stretch: 1, excludesOutside: false });
  };

/** Where an image shrinks, each new position is an average over its whole width. */
const antialiased =
  (filter: Filter): Method =>
  (axis, at, alignsCorners) => {
    const width = widthOf(axis, alignsCorners);
    return tapsOf({
      axis: at,
      extent: axis.from,
      // The centre is taken so for aligned corners too.
      positions: Array.from({ length: axis.to }, (_, i) => placeOf(i, width, false)),
      filter,
      stretch: Math.max(width, 1),
      excludesOutside: true,
    });
  };

/** The old position nearest to each new one; `offset` is the place within a new position that decides. */
export function nearestTable(axis: Axis, offset: number): number[] {
  const width = widthOf(axis, false);
  return Array.from({ length: axis.to }, (_, at) =>
    Math.min(Math.floor(fround(fround(at + offset) * width)), axis.from - 1),
  );
}

const nearest =
  (offset: number): Method =>
  (axis, at) => ({
    axis: at,
    begins: nearestTable(axis, offset),
    counts: Array<number>(axis.to).fill(1),
    weights: new Float32Array(axis.to).fill(1),
  });

/** PyTorch's coefficient; that for antialiasing is the one of Pillow. */
const [plainCubic, smoothCubic] = [cubic(-0.75), cubic(-0.5)];

/** The ways to interpolate. */
export const methods = {
  nearest: nearest(0),
  nearest_exact: nearest(0.5),
  linear: filtered(linear),
  cubic: filtered(plainCubic),
  linear_antialiased: antialiased(linear),
  cubic_antialiased: antialiased(smoothCubic),
} as const satisfies Readonly<Record<string, Method>>;

export type MethodName = keyof typeof methods;
