import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat, type DType, floatToBfloat16, Tensor } from '../../../lib/tensor/index.ts';
import { callEverywhere } from '../../support/eager-and-plan.ts';
import { anyTensor, at, expectElements, movedDtypes, positionsOf } from '../../support/elements.ts';
import { channelsLast, runStep, seededTensor } from '../../support/steps.ts';

type Place = (at: number) => number;
type Weight = (distance: number) => number;

const linear: Weight = (x) => Math.max(1 - Math.abs(x), 0);
/** Keys's cubic convolution, from its definition. */
const cubic =
  (a: number): Weight =>
  (distance) => {
    const x = Math.abs(distance);
    if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
    return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
  };

const halfPixel =
  (from: number, to: number): Place =>
  (i) =>
    ((i + 0.5) * from) / to - 0.5;
const aligned =
  (from: number, to: number): Place =>
  (i) =>
    to > 1 ? (i * (from - 1)) / (to - 1) : 0;

/** One axis as a matrix [to, from]: what each new position is of the old ones, outermost ones repeated. */
function matrix(from: number, to: number, place: Place, weight: Weight, stretch = 1, repeats = true) {
  return Array.from({ length: to }, (_, i) => {
    const row = Array<number>(from).fill(0);
    let sum = 0;
    for (let j = -50; j < from + 50; j++) {
      const inside = Math.min(Math.max(j, 0), from - 1);
      if (!repeats && inside !== j) continue;
      const w = weight((j - place(i)) / stretch);
      row[inside] += w;
      sum += w;
    }
    return stretch === 1 && repeats ? row : row.map((w) => w / sum);
  });
}

/** A tensor multiplied by such matrices along its last axes, in float64. */
function resampled(x: Tensor, matrices: readonly (readonly (readonly number[])[])[]): Tensor {
  const values = x.dtype === 'bfloat16' ? bfloat16ToFloat(x.data as Uint16Array) : x.toArray();
  let result = Tensor.from('float64', Array.from(values), x.shape);
  matrices.forEach((rows, i) => {
    const axis = x.shape.length - matrices.length + i;
    const shape = result.shape.with(axis, rows.length);
    const before = result;
    const sums = positionsOf(shape).map((p) =>
      rows[p[axis]].reduce((sum, w, j) => sum + (w === 0 ? 0 : w * at(before, p.with(axis, j))), 0),
    );
    result = Tensor.from('float64', sums, shape);
  });
  return result;
}

/**
 * Fails unless values are near. Places are rounded to single precision, at up to 40 positions by 4e-6; neighbours
 * differ by up to 8, so that each of three axes may be off by 3e-5. What is wrong by a position is off by more than 1e-2.
 */
function expectNear(actual: Tensor, expected: Tensor, tolerance = 1e-4): void {
  expect(actual.shape).toEqual(expected.shape);
  const values = actual.dtype === 'bfloat16' ? bfloat16ToFloat(actual.data as Uint16Array) : actual.toArray();
  const worst = Array.from(values).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - Number(expected.data[i]))),
    0,
  );
  expect(worst).toBeLessThan(tolerance);
}

const sizes: readonly (readonly [from: number, to: number])[] = [
  [5, 10],
  [7, 11],
  [9, 4],
  [1, 3],
  [6, 1],
  [13, 13],
  [40, 9],
];

describe('interpolation by weights', () => {
  const filters: [string, Weight, number][] = [
    ['upsample_linear1d', linear, 1],
    ['upsample_bilinear2d', linear, 2],
    ['upsample_bicubic2d', cubic(-0.75), 2],
    ['upsample_trilinear3d', linear, 3],
  ];
  for (const [name, weight, spatial] of filters)
    for (const alignCorners of [false, true])
      it(`${name}, ${alignCorners ? 'corners' : 'edges'} aligned`, () => {
        const place = alignCorners ? aligned : halfPixel;
        sizes.forEach((_, i) => {
          const axes = Array.from({ length: spatial }, (_, k) => sizes[(i + 3 * k) % sizes.length]);
          const shape = [2, i % 2 === 0 ? 3 : 17, ...axes.map(([from]) => from)];
          const x = seededTensor('float32', shape, i + 1);
          const size = axes.map(([, to]) => to);
          const matrices = axes.map(([from, to]) => matrix(from, to, place(from, to), weight));
          const expected = resampled(x, matrices);
          const near = (actual: Tensor, other: Tensor) => expectNear(actual, other);
          const plain = callEverywhere(`aten.${name}.default`, [x, size, alignCorners], {}, near) as Tensor;
          expectNear(plain, expected);
          const vec = callEverywhere(`aten.${name}.vec`, [x, size, alignCorners, null], {}, near) as Tensor;
          expect(vec.data).toEqual(plain.data);
        });
      });

  for (const [name, weight, radius] of [
    ['_upsample_bilinear2d_aa', linear, 1],
    ['_upsample_bicubic2d_aa', cubic(-0.5), 2],
  ] as const)
    it(`${name}: averages where an image shrinks`, () => {
      expect(radius).toBeGreaterThan(0);
      sizes.forEach(([h, oh], i) => {
        const [w, ow] = sizes[(i + 2) % sizes.length];
        const x = seededTensor('float32', [1, 3, h, w], i + 1);
        const along = (from: number, to: number) =>
          matrix(from, to, halfPixel(from, to), weight, Math.max(from / to, 1), false);
        const near = (actual: Tensor, other: Tensor) => expectNear(actual, other);
        const actual = callEverywhere(`aten.${name}.default`, [x, [oh, ow], false], {}, near) as Tensor;
        expectNear(actual, resampled(x, [along(h, oh), along(w, ow)]));
      });
    });

  it('factors place the positions, and the sizes follow from them', () => {
    const x = seededTensor('float32', [1, 2, 7, 10]);
    const actual = callEverywhere('aten.upsample_bilinear2d.vec', [x, null, false, [1.6, 0.75]]) as Tensor;
    const by = (factor: number, to: number, from: number) =>
      matrix(from, to, (i) => (i + 0.5) / factor - 0.5, linear);
    expectNear(actual, resampled(x, [by(1.6, 11, 7), by(0.75, 7, 10)]));
    const plain = callEverywhere('aten.upsample_bilinear2d.default', [
      x,
      [11, 7],
      false,
      1.6,
      0.75,
    ]) as Tensor;
    expect(plain.data).toEqual(actual.data);
  });

  it('bfloat16 is computed in single precision', () => {
    const floats = seededTensor('float32', [1, 19, 6, 5]);
    const x = new Tensor('bfloat16', floatToBfloat16(floats.data as Float32Array), floats.shape);
    const matrices = [matrix(6, 9, halfPixel(6, 9), linear), matrix(5, 8, halfPixel(5, 8), linear)];
    const actual = callEverywhere('aten.upsample_bilinear2d.vec', [x, [9, 8], false, null]) as Tensor;
    // Values below 4 are rounded to 8 bits: half a step is 2^-7.
    expectNear(actual, resampled(x, matrices), 2 ** -7 + 1e-4);
  });

  it('infinity stays out of positions that do not read it', () => {
    const x = Tensor.from('float32', [Number.POSITIVE_INFINITY, 1, 2, 3], [1, 1, 4]);
    const actual = callEverywhere('aten.upsample_linear1d.default', [x, [8], true]) as Tensor;
    expect(actual.toArray().slice(-4).every(Number.isFinite)).toBe(true);
    const [first] = actual.toArray();
    expect(first).toBe(Number.POSITIVE_INFINITY);
  });

  it('of images channels-last: as of row-major ones', () => {
    const x = seededTensor('float32', [2, 19, 6, 9]);
    const passes = [2, 3].map((axis) => {
      const rows = matrix(x.shape[axis], 7, halfPixel(x.shape[axis], 7), linear);
      const begins = rows.map((row) =>
        Math.max(
          row.findIndex((w) => w !== 0),
          0,
        ),
      );
      const counts = rows.map((row, i) => row.findLastIndex((w) => w !== 0) + 1 - begins[i]);
      const longest = Math.max(...counts);
      const weights = rows.flatMap((row, i) =>
        Array.from({ length: longest }, (_, k) => (k < counts[i] ? row[begins[i] + k] : 0)),
      );
      return { axis, begins, counts, weights: Float32Array.from(weights) };
    });
    const step = { op: 'resample', attributes: { passes } };
    const outputs = [{ dtype: 'float32', shape: [2, 19, 7, 7] } as const];
    const rowMajor = runStep(step, [x], outputs);
    const last = runStep(step, [x], outputs, channelsLast);
    expect([rowMajor.implementation, last.implementation]).toEqual(['octavo:resample', 'octavo:resample']);
    expectNear(last.results[0], rowMajor.results[0]);
  });
});

describe('the nearest element', () => {
  it('of every dtype, in one to three dimensions', () => {
    for (const dtype of movedDtypes)
      sizes.forEach(([h, oh], i) => {
        const [w, ow] = sizes[(i + 2) % sizes.length];
        const x = anyTensor(dtype, [1, 3, h, w], i + 1);
        const from = (position: number, n: number, to: number) => Math.floor((position * n) / to);
        expectElements(
          callEverywhere('aten.upsample_nearest2d.vec', [x, [oh, ow], null]),
          dtype,
          [1, 3, oh, ow],
          ([n, c, y, z]) => at(x, [n, c, from(y, h, oh), from(z, w, ow)]),
        );
        expectElements(
          callEverywhere('aten._upsample_nearest_exact2d.default', [x, [oh, ow]]),
          dtype,
          [1, 3, oh, ow],
          ([n, c, y, z]) => at(x, [n, c, from(y + 0.5, h, oh), from(z + 0.5, w, ow)]),
        );
      });
    const line = anyTensor('int32', [2, 3, 4]);
    expectElements(
      callEverywhere('aten.upsample_nearest1d.vec', [line, null, [2.5]]),
      'int32',
      [2, 3, 10],
      ([n, c, i]) => at(line, [n, c, Math.floor(i / 2.5)]),
    );
    const volume = anyTensor('uint8', [1, 2, 2, 3, 2]);
    expectElements(
      callEverywhere('aten.upsample_nearest3d.default', [volume, [4, 3, 6]]),
      'uint8',
      [1, 2, 4, 3, 6],
      ([n, c, i, j, k]) => at(volume, [n, c, Math.floor(i / 2), j, Math.floor(k / 3)]),
    );
  });
});

describe('wrong calls', () => {
  const x = seededTensor('float32', [1, 2, 4, 5]);
  const wrong: [string, readonly unknown[], RegExp][] = [
    ['aten.upsample_bilinear2d.vec', [x, null, false, null], /either output_size or scale_factors/],
    ['aten.upsample_bilinear2d.vec', [x, [3, 0], false, null], /sizes must be positive, got \[3, 0\]/],
    ['aten.upsample_linear1d.default', [x, [3], false], /3 extents \[N, C, \.\.\.\]/],
    ['aten.upsample_bilinear2d.default', [anyTensor('uint8', [1, 1, 2, 2]), [4, 4], false], /uint8.*float32/],
  ];
  wrong.forEach(([target, args, message], i) => {
    it(`${i}: ${target} says ${message}`, () => expect(() => callEverywhere(target, args)).toThrow(message));
  });

  const pass = { axis: 2, begins: [0, 3], counts: [2, 2], weights: [1, 1, 1, 1] };
  const float: { dtype: DType; shape: number[] } = { dtype: 'float32', shape: [1, 2, 2, 5] };
  const steps: [Record<string, unknown>, RegExp][] = [
    [pass, /position 1 reads 2 from 3 on, of an extent of 4/],
    [{ ...pass, begins: [0] }, /do not fit each other/],
    [{ ...pass, axis: 4 }, /axis 4 is out of range/],
    [{ ...pass, begins: [0, 0], axis: 3 }, /the passes make/],
  ];
  steps.forEach(([attributes, message], i) => {
    it(`step ${i} says ${message}`, () => {
      const step = { op: 'resample', attributes: { passes: [attributes as never] } };
      expect(() => runStep(step, [x], [float])).toThrow(message);
    });
  });
});
