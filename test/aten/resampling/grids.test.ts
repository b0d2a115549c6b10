import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../lib/tensor/index.ts';
import { callEverywhere } from '../../support/eager-and-plan.ts';
import { at, positionsOf } from '../../support/elements.ts';
import { seededIntegers, seededTensor } from '../../support/steps.ts';

const modes = ['bilinear', 'nearest', 'bicubic'];
const paddings = ['zeros', 'border', 'reflection'];

/** Keys's cubic convolution with -0.75. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return 1.25 * x ** 3 - 2.25 * x ** 2 + 1;
  return x < 2 ? -0.75 * x ** 3 + 3.75 * x ** 2 - 6 * x + 3 : 0;
}

/** Mirrored until it is between two bounds. */
function reflect(place: number, low: number, high: number): number {
  if (low === high) return 0;
  let at = place;
  while (at < low || at > high) at = at < low ? 2 * low - at : 2 * high - at;
  return at;
}

/** What a coordinate reads along an axis: positions with their weights, from the definition of `grid_sample`. */
function reads(coordinate: number, extent: number, mode: string, padding: string, corners: boolean) {
  const place = corners ? ((coordinate + 1) / 2) * (extent - 1) : ((coordinate + 1) * extent - 1) / 2;
  const padded = (p: number) => {
    const mirrored =
      padding === 'reflection' ? reflect(p, corners ? 0 : -0.5, corners ? extent - 1 : extent - 0.5) : p;
    return padding === 'zeros' ? p : Math.min(Math.max(mirrored, 0), extent - 1);
  };
  const floor = Math.floor(place);
  const all =
    mode === 'bicubic'
      ? [-1, 0, 1, 2].map((i) => [padded(floor + i), cubic(place - floor - i)])
      : mode === 'nearest'
        ? [[Math.round(padded(place)), 1]]
        : [0, 1].map((i) => {
            const first = Math.floor(padded(place));
            return [first + i, 1 - Math.abs(padded(place) - first - i)];
          });
  return all.filter(([position]) => position >= 0 && position < extent);
}

function sampled(x: Tensor, grid: Tensor, mode: string, padding: string, corners: boolean): number[] {
  const shape = [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)];
  const spatial = x.shape.slice(2);
  return positionsOf(shape).map(([n, c, ...pixel]) => {
    let taps: [number[], number][] = [[[], 1]];
    spatial.forEach((extent, axis) => {
      const coordinate = at(grid, [n, ...pixel, spatial.length - 1 - axis]);
      taps = taps.flatMap(([position, weight]) =>
        reads(coordinate, extent, mode, padding, corners).map(([p, w]): [number[], number] => [
          [...position, p],
          weight * w,
        ]),
      );
    });
    return taps.reduce((sum, [position, weight]) => sum + weight * at(x, [n, c, ...position]), 0);
  });
}

/** Coordinates from -2 to 2 in odd steps, so that no place is halfway between two elements. */
const gridOf = (shape: readonly number[]) =>
  Tensor.from(
    'float32',
    seededIntegers(
      shape.reduce((a, b) => a * b, 1),
      -1000,
      1000,
      7,
    ).map((v) => v / 499),
    shape,
  );

/** Places are rounded to single precision, of up to 16 positions 1e-6; neighbours differ by up to 8. */
function expectNear(actual: Tensor, expected: readonly number[]): void {
  const worst = actual.toArray().reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  expect(worst).toBeLessThan(5e-5);
}

const near = (actual: Tensor, expected: Tensor) => expectNear(actual, expected.toArray());

describe('grid_sampler', () => {
  for (const [m, mode] of modes.entries())
    for (const [p, padding] of paddings.entries())
      it(`${mode}, ${padding}`, () => {
        for (const corners of [false, true]) {
          const x = seededTensor('float32', [2, 3, 5, 9]);
          const grid = gridOf([2, 4, 6, 2]);
          const actual = callEverywhere('aten.grid_sampler_2d.default', [x, grid, m, p, corners], {}, near);
          expect((actual as Tensor).shape).toEqual([2, 3, 4, 6]);
          expectNear(actual as Tensor, sampled(x, grid, mode, padding, corners));
          const volume = seededTensor('float32', [1, 2, 3, 4, 5]);
          const grid3d = gridOf([1, 2, 3, 4, 3]);
          const inVolume = callEverywhere(
            'aten.grid_sampler_3d.default',
            [volume, grid3d, m, p, corners],
            {},
            near,
          );
          expectNear(inVolume as Tensor, sampled(volume, grid3d, mode, padding, corners));
        }
      });

  it('of one pixel, and of coordinates that are no numbers', () => {
    const x = Tensor.from('float32', [3], [1, 1, 1, 1]);
    const grid = Tensor.from(
      'float32',
      [0, 0, 9, -9, Number.NaN, 0, Number.POSITIVE_INFINITY, 0],
      [1, 1, 4, 2],
    );
    const call = (padding: number, corners: boolean) =>
      (callEverywhere('aten.grid_sampler.default', [x, grid, 0, padding, corners]) as Tensor).toArray();
    expect(call(0, true)).toEqual([3, 3, 0, 0]);
    expect(call(0, false)).toEqual([3, 0, 0, 0]);
    expect(call(1, false)).toEqual([3, 3, 3, 3]);
    expect(call(2, true)).toEqual([3, 3, 3, 3]);
  });

  const x = seededTensor('float32', [2, 3, 4, 5]);
  const wrong: [readonly unknown[], RegExp][] = [
    [[x, gridOf([1, 2, 2, 2]), 0, 0, false], /need a grid for each.*got \[1, 2, 2, 2\]/],
    [[x, gridOf([2, 2, 2, 3]), 0, 0, false], /need a grid for each.*got \[2, 2, 2, 3\]/],
    [[x, gridOf([2, 2, 2, 2]), 3, 0, false], /interpolation_mode must be 0 \(bilinear\).*got 3/],
    [[x, gridOf([2, 2, 2, 2]), 0, 4, false], /padding_mode must be .*got 4/],
    [[x, Tensor.zeros('float64', [2, 2, 2, 2]), 0, 0, false], /grid must be float32, got float64/],
  ];
  wrong.forEach(([args, message], i) => {
    it(`wrong ${i}: says ${message}`, () =>
      expect(() => callEverywhere('aten.grid_sampler_2d.default', args)).toThrow(message));
  });
});

describe('affine_grid_generator', () => {
  for (const corners of [false, true])
    it(`${corners ? 'corners' : 'edges'} aligned`, () => {
      for (const spatial of [
        [3, 4],
        [1, 5],
        [2, 3, 4],
      ]) {
        const rank = spatial.length;
        const theta = seededTensor('float32', [2, rank, rank + 1]);
        const size = [2, 7, ...spatial];
        const actual = callEverywhere('aten.affine_grid_generator.default', [theta, size, corners], {}, near);
        const coordinate = (i: number, n: number) => {
          if (!corners) return (2 * i + 1) / n - 1;
          return n > 1 ? (2 * i) / (n - 1) - 1 : 0;
        };
        const expected = positionsOf([2, ...spatial, rank]).map((position) => {
          const [n, pixel, row] = [position[0], position.slice(1, -1), position[rank + 1]];
          const place = [...pixel.map((i, axis) => coordinate(i, spatial[axis])).reverse(), 1];
          return place.reduce((sum, value, i) => sum + value * at(theta, [n, row, i]), 0);
        });
        expect((actual as Tensor).shape).toEqual([2, ...spatial, rank]);
        expectNear(actual as Tensor, expected);
      }
    });

  it('refuses maps of another shape', () =>
    expect(() =>
      callEverywhere('aten.affine_grid_generator.default', [
        seededTensor('float32', [2, 2, 2]),
        [2, 1, 3, 3],
        false,
      ]),
    ).toThrow(/theta must be \[2, 2, 3\], got \[2, 2, 2\]/));
});
