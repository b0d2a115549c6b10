import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/tensor/index.ts';
import { bfloat16ToFloat, floatToBfloat16, rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import {
  channelsLast,
  type Layout,
  runStep,
  seededTensor,
  stridesInOrder,
  withGaps,
} from '../support/steps.ts';

interface Operand {
  readonly dtype: DType;
  readonly scale: number;
  readonly zeroPoint: number;
}

const float: Operand = { dtype: 'float32', scale: 1, zeroPoint: 0 };
const byte: Operand = { dtype: 'uint8', scale: 0.037, zeroPoint: 121 };
const signed: Operand = { dtype: 'int8', scale: 0.02, zeroPoint: -3 };
const half: Operand = { dtype: 'bfloat16', scale: 1, zeroPoint: 0 };

function tensorOf({ dtype }: Operand, shape: readonly number[], seed: number): Tensor {
  if (dtype === 'uint8' || dtype === 'int8') return seededTensor(dtype, shape, seed);
  const floats = uniform(shape, -3, 3, seed);
  if (dtype === 'float32') return floats;
  return new Tensor('bfloat16', floatToBfloat16(floats.data as Float32Array), shape);
}

/** What the elements stand for, in float32 as `dequantize_per_tensor` computes it. */
function numbersOf({ dtype, scale, zeroPoint }: Operand, { data }: Tensor): readonly number[] {
  const stored = dtype === 'bfloat16' ? bfloat16ToFloat(data as Uint16Array) : (data as Float32Array);
  return Array.from(stored, (q) => Math.fround((q - zeroPoint) * Math.fround(scale)));
}

/** In float64, sample by sample. */
function reference(x: readonly number[], y: readonly number[], samples: number): readonly number[][] {
  const size = x.length / samples;
  return Array.from({ length: samples }, (_, sample) => {
    const numbers = [size, 0, 0, 0, 0, 0];
    for (let i = sample * size; i < (sample + 1) * size; i++) {
      numbers[1] += x[i] * x[i];
      numbers[2] += y[i] * y[i];
      numbers[3] += x[i] * y[i];
      numbers[4] += (x[i] - y[i]) ** 2;
      numbers[5] = Math.max(numbers[5], Math.abs(x[i] - y[i]));
    }
    return numbers;
  });
}

const reversed: Layout = (shape) => stridesInOrder(shape, [...shape.keys()].reverse());

/** The first operand's layout, then the other's. */
function inTurn(...layouts: readonly Layout[]): Layout {
  let next = 0;
  return (shape) => layouts[next++](shape);
}

describe.each([
  ['float32 and float32', float, float],
  ['uint8 and float32', byte, float],
  ['float32 and int8', float, signed],
  ['uint8 and int8', byte, signed],
  ['bfloat16 and float32', half, float],
])('%s', (_, x, y) => {
  it.each([
    [[1]],
    [[7]],
    [[3, 5]],
    [[2, 511]],
    [[2, 3, 4, 5]],
    // Rows of some pieces, more than a thread compares at a time, and with a remainder.
    [[2, 40_001]],
    [[3, 19, 33, 31]],
    [[64, 16, 8, 8]],
    [[5, 1, 1, 1]],
  ])('of %j differ by what float64 finds, in any layouts', (shape) => {
    const [a, b] = [tensorOf(x, shape, 3), tensorOf(y, shape, 4)];
    const expected = reference(numbersOf(x, a), numbersOf(y, b), shape[0]);
    const images = shape.length === 4 ? channelsLast : rowMajorStrides;
    const pairs: readonly (readonly [Layout, Layout])[] = [
      [rowMajorStrides, rowMajorStrides],
      [images, images],
      [images, rowMajorStrides],
      [withGaps, images],
      [reversed, rowMajorStrides],
    ];
    for (const layouts of pairs) {
      const { results } = runStep(
        {
          op: 'compare',
          attributes: { xScale: x.scale, xZeroPoint: x.zeroPoint, yScale: y.scale, yZeroPoint: y.zeroPoint },
        },
        [a, b],
        [{ dtype: 'float64', shape: [shape[0], 6] }],
        inTurn(...layouts),
        rowMajorStrides,
      );
      const found = results[0].data as Float64Array;
      expect(found).toHaveLength(6 * shape[0]);
      for (const [sample, numbers] of expected.entries())
        for (const [i, number] of numbers.entries()) {
          // Of float64, some last bits of sums of up to 40,001 terms; a product's terms have both signs.
          const size = i === 3 ? Math.sqrt(numbers[1] * numbers[2]) : number;
          expect(Math.abs(found[6 * sample + i] - number)).toBeLessThanOrEqual(1e-13 * size);
        }
    }
  });
});

describe('compare', () => {
  const attributes = { xScale: 1, xZeroPoint: 0, yScale: 1, yZeroPoint: 0 };
  const step = { op: 'compare', attributes } as const;

  it('of tensors without extents gives one row', () => {
    const [x, y] = [2.5, -1].map((value) => Tensor.from('float32', [value], []));
    const { results } = runStep(step, [x, y], [{ dtype: 'float64', shape: [6] }]);
    expect([...(results[0].data as Float64Array)]).toEqual([1, 6.25, 1, -2.5, 12.25, 3.5]);
  });

  it.each([NaN, Infinity, -Infinity])('shows %d in the noise, also behind many numbers', (broken) => {
    for (const at of [0, 13, 2047]) {
      const [x, y] = [1, 2].map((seed) => uniform([1, 2048], -1, 1, seed));
      x.data[at] = broken;
      const noiseOf = (...pair: readonly Tensor[]) =>
        Number(runStep(step, pair, [{ dtype: 'float64', shape: [1, 6] }]).results[0].data[4]);
      for (const noise of [noiseOf(x, y), noiseOf(y, x)]) expect(Number.isFinite(noise)).toBe(false);
      // NaN is not equal to itself, and an infinity is.
      expect(noiseOf(x, x)).toBe(Number.isNaN(broken) ? NaN : 0);
    }
  });

  it('refuses what it cannot compare', () => {
    const [x, y] = [
      [2, 3],
      [3, 2],
    ].map((shape) => Tensor.zeros('float32', shape));
    const out = [{ dtype: 'float64', shape: [2, 6] }] as const;
    expect(() => runStep(step, [x, y], out)).toThrow('tensors of one shape expected');
    expect(() => runStep(step, [x, x], [{ dtype: 'float32', shape: [2, 6] }])).toThrow(
      'the output must be float64[2, 6]',
    );
    expect(() => runStep(step, [x, Tensor.zeros('int64', [2, 3])], out)).toThrow(
      'comparing int64 is not supported; cast to float32',
    );
  });
});
