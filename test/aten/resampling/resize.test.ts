import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../lib/tensor/index.ts';
import { callEverywhere } from '../../support/eager-and-plan.ts';
import { anyTensor, at, expectElements, positionsOf } from '../../support/elements.ts';
import { seededTensor } from '../../support/steps.ts';

/** One axis of ONNX's `Resize`: extents, the scale, and the crop's ends. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly crop?: readonly [number, number];
}

/** The formulas of `coordinate_transformation_mode` in ONNX's specification, in float64. */
const places: Readonly<Record<string, (x: number, axis: Axis) => number>> = {
  half_pixel: (x, { scale }) => (x + 0.5) / scale - 0.5,
  half_pixel_symmetric: (x, { from, to, scale }) => {
    const adjustment = to / (scale * from);
    const offset = (from / 2) * (1 - adjustment);
    return offset + (x + 0.5) / scale - 0.5;
  },
  pytorch_half_pixel: (x, { to, scale }) => (to > 1 ? (x + 0.5) / scale - 0.5 : 0),
  align_corners: (x, { from, to }) => (to === 1 ? 0 : (x * (from - 1)) / (to - 1)),
  asymmetric: (x, { scale }) => x / scale,
  tf_crop_and_resize: (x, { from, to, crop: [start, end] = [0, 1] }) =>
    to > 1
      ? start * (from - 1) + (x * (end - start) * (from - 1)) / (to - 1)
      : 0.5 * (start + end) * (from - 1),
};

const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

const clamp = (x: number, extent: number) => Math.min(Math.max(x, 0), extent - 1);

function weightOf(mode: string, a: number, distance: number): number {
  const x = Math.abs(distance);
  if (mode === 'linear') return Math.max(1 - x, 0);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}

interface Filter {
  readonly mode: string;
  readonly coordinates: string;
  readonly a?: number;
  readonly excludes?: boolean;
  readonly antialias?: boolean;
}

/** What a new position is of the old ones; undefined outside of a crop. */
function row(x: number, axis: Axis, filter: Filter): number[] | undefined {
  const place = places[filter.coordinates](x, axis);
  const isCrop = filter.coordinates === 'tf_crop_and_resize';
  if (isCrop && (place < 0 || place > axis.from - 1)) return undefined;
  const stretch = filter.antialias ? Math.max(1 / axis.scale, 1) : 1;
  const weights = Array<number>(axis.from).fill(0);
  let sum = 0;
  for (let j = -40; j < axis.from + 40; j++) {
    const inside = clamp(j, axis.from);
    if (filter.excludes && inside !== j) continue;
    const weight = weightOf(filter.mode, filter.a ?? -0.75, (j - place) / stretch);
    weights[inside] += weight;
    sum += weight;
  }
  return filter.excludes || stretch > 1 ? weights.map((w) => w / sum) : weights;
}

/** Fails unless values are near: places are rounded to 1e-6, neighbours differ by up to 8, for two axes. */
function expectNear(actual: Tensor, expected: readonly number[]): void {
  const worst = actual.toArray().reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  expect(worst).toBeLessThan(5e-5);
}

const near = (actual: Tensor, expected: Tensor) => expectNear(actual, expected.toArray());
const TARGET = 'octavo.resize.default';
const sizes: readonly (readonly [h: Axis, w: Axis])[] = [
  [
    { from: 5, to: 10, scale: 2, crop: [0.2, 0.9] },
    { from: 7, to: 4, scale: 0.6, crop: [-0.3, 0.8] },
  ],
  [
    { from: 6, to: 1, scale: 0.2, crop: [0.1, 0.5] },
    { from: 3, to: 8, scale: 2.7, crop: [0.5, 1.4] },
  ],
  [
    { from: 8, to: 3, scale: 3 / 8, crop: [1, 0] },
    { from: 4, to: 4, scale: 1, crop: [0, 1] },
  ],
];

const keywords = (axes: readonly Axis[], coordinates: string) => ({
  scales: axes.map(({ scale }) => scale),
  roi: [...axes.map(({ crop }) => crop![0]), ...axes.map(({ crop }) => crop![1])],
  coordinates,
});

describe('octavo.resize', () => {
  for (const coordinates of Object.keys(places)) {
    for (const nearest of Object.keys(roundings))
      it(`nearest, ${coordinates}, ${nearest}`, () => {
        for (const axes of sizes) {
          const [h, w] = axes;
          const x = anyTensor('uint8', [2, 3, h.from, w.from]);
          const size = [h.to, w.to];
          const actual = callEverywhere(TARGET, [x, [2, 3], size], {
            ...keywords(axes, coordinates),
            nearest,
            extrapolation: 9,
          });
          expectElements(actual, 'uint8', [2, 3, ...size], ([n, c, ...at2]) => {
            const raw = axes.map((axis, i) => places[coordinates](at2[i], axis));
            const outside =
              coordinates === 'tf_crop_and_resize' && raw.some((p, i) => p < 0 || p > axes[i].from - 1);
            const from = raw.map((p, i) => clamp(roundings[nearest](tie(p)), axes[i].from));
            return outside ? 9 : at(x, [n, c, ...from]);
          });
        }
      });

    for (const filter of [
      { mode: 'linear', coordinates },
      { mode: 'cubic', coordinates },
      { mode: 'cubic', coordinates, a: -0.5, excludes: true },
      { mode: 'linear', coordinates, antialias: true },
      { mode: 'cubic', coordinates, antialias: true, excludes: true },
    ] as const)
      it(`${JSON.stringify(filter)}`, () => {
        for (const axes of sizes) {
          const [h, w] = axes;
          const x = seededTensor('float32', [2, 3, h.from, w.from]);
          const actual = callEverywhere(
            TARGET,
            [x, [-2, -1], [h.to, w.to]],
            {
              ...keywords(axes, coordinates),
              mode: filter.mode,
              cubic_coeff: 'a' in filter ? filter.a : -0.75,
              exclude_outside: 'excludes' in filter,
              antialias: 'antialias' in filter,
              extrapolation: -7,
            },
            near,
          ) as Tensor;
          expect(actual.shape).toEqual([2, 3, h.to, w.to]);
          const expected = positionsOf(actual.shape).map(([n, c, i, j]) => {
            const [rows, columns] = [row(i, h, filter), row(j, w, filter)];
            if (!rows || !columns) return -7;
            return rows.reduce(
              (sum, a, y) => sum + columns.reduce((s, b, z) => s + a * b * at(x, [n, c, y, z]), 0),
              0,
            );
          });
          expectNear(actual, expected);
        }
      });
  }

  it('of all axes, in the order that the caller names', () => {
    const x = anyTensor('int64', [2, 3, 4]);
    const actual = callEverywhere(TARGET, [x, [2, 0, 1], [2, 4, 3]], {
      coordinates: 'asymmetric',
      nearest: 'floor',
    });
    expectElements(actual, 'int64', [4, 3, 2], ([i, j, k]) => at(x, [Math.floor(i / 2), j, 2 * k]));
  });

  it('to the same size is a copy', () => {
    const x = seededTensor('float32', [1, 2, 3]);
    const actual = callEverywhere(TARGET, [x, [2], [3]], { mode: 'cubic' }) as Tensor;
    expect(actual.data).toEqual(x.data);
  });

  const x = seededTensor('float32', [1, 2, 3, 4]);
  const wrong: [readonly unknown[], Record<string, unknown>, RegExp][] = [
    [[x, [2, 2], [3, 3]], {}, /an axis appears twice in \[2, 2\]/],
    [[x, [2, 3], [3]], {}, /'size' needs 2 entries, got \[3\]/],
    [[x, [2], [3]], { scales: [1, 2] }, /'scales' needs 1 entries/],
    [[x, [2], [3]], { scales: [0] }, /scales must be positive/],
    [[x, [2], [0]], {}, /axis 2 cannot be resized from 3 to 0/],
    [[x, [2], [3]], { mode: 'area' }, /'mode' must be one of nearest, linear, cubic, got 'area'/],
    [[x, [2], [6]], { coordinates: 'middle' }, /'coordinates' must be one of half_pixel/],
    [[x, [2], [6]], { nearest: 'up' }, /'nearest' must be one of round_prefer_floor/],
    [[anyTensor('uint8', [2]), [0], [4]], { mode: 'linear' }, /uint8 is not supported; cast to float32/],
  ];
  wrong.forEach(([args, kwargs, message], i) => {
    it(`wrong ${i}: says ${message}`, () =>
      expect(() => callEverywhere(TARGET, args, kwargs)).toThrow(message));
  });
});

/** A place that is whole or halfway but for float64's rounding, as that. */
function tie(place: number): number {
  const half = Math.round(place * 2) / 2;
  return Math.abs(place - half) < 1e-6 ? half : place;
}
