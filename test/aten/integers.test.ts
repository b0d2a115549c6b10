import { describe, expect, it } from 'vitest';
import { rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';
import { channelsLast, runStep, seededTensor } from '../support/steps.ts';

/** Half to even, as quantization rounds. */
function round(value: number): number {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

const ranges = { uint8: [0, 255], int8: [-128, 127] } as const;
type Integer = keyof typeof ranges;

function quantize(real: number, scale: number, zeroPoint: number, dtype: Integer): number {
  const [low, high] = ranges[dtype];
  return Math.min(Math.max(round(real / scale) + zeroPoint, low), high);
}

/** Fails unless every value is the nearest step to `real`; a tie may go either way, as single precision has it. */
function expectNearest(actual: Tensor, real: readonly number[], scale: number, zeroPoint: number): void {
  const [low, high] = ranges[actual.dtype as Integer];
  const distances = actual.toArray().map((value, i) => {
    const exact = real[i] / scale + zeroPoint;
    return Math.abs(value - Math.min(Math.max(exact, low), high));
  });
  expect(Math.max(...distances)).toBeLessThanOrEqual(0.5 + 1e-4);
}

interface Pooling {
  readonly shape: readonly number[];
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly includePad: boolean;
}

/** Average pooling of the real values, by its definition. */
function averages(x: Tensor, zeroPoint: number, p: Pooling): { shape: number[]; values: number[] } {
  const [n, c, h, w] = x.shape;
  const data = x.toArray().map((q) => q - zeroPoint);
  const extent = (size: number) => Math.floor((size + 2 * p.padding - p.kernel) / p.stride) + 1;
  const shape = [n, c, extent(h), extent(w)];
  const values: number[] = [];
  for (let plane = 0; plane < n * c; plane++)
    for (let i = 0; i < shape[2]; i++)
      for (let j = 0; j < shape[3]; j++) {
        let [sum, inside] = [0, 0];
        for (let y = i * p.stride - p.padding; y < i * p.stride - p.padding + p.kernel; y++)
          for (let z = j * p.stride - p.padding; z < j * p.stride - p.padding + p.kernel; z++)
            if (y >= 0 && y < h && z >= 0 && z < w) {
              sum += data[(plane * h + y) * w + z];
              inside++;
            }
        values.push(sum / (p.includePad ? p.kernel ** 2 : inside));
      }
  return { shape, values };
}

describe('8-bit integers', () => {
  const cases: Pooling[] = [
    { shape: [2, 19, 9, 7], kernel: 3, stride: 2, padding: 1, includePad: true },
    { shape: [2, 19, 9, 7], kernel: 3, stride: 2, padding: 1, includePad: false },
    { shape: [1, 64, 8, 8], kernel: 2, stride: 2, padding: 0, includePad: true },
    { shape: [3, 33, 7, 7], kernel: 7, stride: 7, padding: 0, includePad: false },
  ];
  for (const dtype of ['uint8', 'int8'] as const)
    for (const [zeroPoint, outputScale] of [
      [0, 0.1],
      [3, 0.1],
      [3, 0.07],
    ])
      for (const p of cases)
        it(`average pooling ${dtype} [${p.shape}] kernel ${p.kernel}, zero point ${zeroPoint}, to scale ${outputScale}`, () => {
          const x = seededTensor(dtype, p.shape);
          const { shape, values } = averages(x, zeroPoint, p);
          const attributes = {
            algorithm: p.includePad ? 'avg_include_padding' : 'avg_exclude_padding',
            kernel: [p.kernel, p.kernel],
            stride: [p.stride, p.stride],
            padding: [p.padding, p.padding],
            xScale: 0.1,
            xZeroPoint: zeroPoint,
            outputScale,
            outputZeroPoint: zeroPoint,
          };
          for (const layout of [rowMajorStrides, channelsLast]) {
            const { results } = runStep({ op: 'pool', attributes }, [x], [{ dtype, shape }], layout);
            const real = values.map((v) => v * 0.1);
            expectNearest(results[0], real, outputScale, zeroPoint);
          }
        });

  it('dequantizes while it pools', () => {
    const x = seededTensor('uint8', [2, 5, 4, 4]);
    const { shape, values } = averages(x, 7, {
      shape: x.shape,
      kernel: 2,
      stride: 2,
      padding: 0,
      includePad: true,
    });
    const attributes = {
      algorithm: 'avg_include_padding',
      kernel: [2, 2],
      stride: [2, 2],
      xScale: 0.25,
      xZeroPoint: 7,
    };
    const { results } = runStep({ op: 'pool', attributes }, [x], [{ dtype: 'float32', shape }]);
    expect(results[0].toArray()).toEqual(values.map((v) => v / 4));
  });

  it('a mean takes its input and gives its result quantized', () => {
    const x = seededTensor('int8', [2, 19, 6, 7]);
    const attributes = {
      algorithm: 'mean',
      axes: [2, 3],
      keepdim: false,
      xScale: 0.5,
      xZeroPoint: 4,
      outputScale: 0.03125,
      outputZeroPoint: 9,
    };
    const data = x.toArray();
    const expected = Array.from({ length: 38 }, (_, plane) => {
      const sum = data.slice(plane * 42, plane * 42 + 42).reduce((a, q) => a + q - 4, 0);
      return quantize((sum / 42) * 0.5, 0.03125, 9, 'uint8');
    });
    for (const layout of [rowMajorStrides, channelsLast]) {
      const { results } = runStep(
        { op: 'reduce', attributes },
        [x],
        [{ dtype: 'uint8', shape: [2, 19] }],
        layout,
        rowMajorStrides,
      );
      expect(results[0].toArray()).toEqual(expected);
    }
  });

  const operations: Record<string, (a: number, b: number) => number> = {
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    mul: (a, b) => a * b,
    max: Math.max,
    min: Math.min,
  };
  for (const [algorithm, compute] of Object.entries(operations))
    it(`${algorithm} of uint8 and int8, each with its own parameters, then relu`, () => {
      const [a, b] = [seededTensor('uint8', [2, 19, 5, 3]), seededTensor('int8', [2, 19, 5, 3], 5)];
      // Scales are powers of two: every operation but the rounding at the end is exact.
      const attributes = {
        algorithm,
        aScale: 0.25,
        aZeroPoint: 100,
        bScale: 0.125,
        bZeroPoint: -3,
        outputScale: 0.5,
        outputZeroPoint: 11,
        unary: 'relu',
      };
      const [x, y] = [a.toArray(), b.toArray()];
      const expected = x.map((q, i) =>
        quantize(Math.max(compute((q - 100) * 0.25, (y[i] + 3) * 0.125), 0), 0.5, 11, 'uint8'),
      );
      const { results } = runStep({ op: 'binary', attributes }, [a, b], [{ dtype: 'uint8', shape: a.shape }]);
      expect(results[0].toArray()).toEqual(expected);
    });

  it('requantizes between parameters and signs', () => {
    const x = Tensor.from(
      'uint8',
      Array.from({ length: 256 }, (_, i) => i),
    );
    const attributes = { xScale: 0.25, xZeroPoint: 100, outputScale: 0.5, outputZeroPoint: -20 };
    const expected = x.toArray().map((q) => quantize((q - 100) * 0.25, 0.5, -20, 'int8'));
    const { results } = runStep({ op: 'requantize', attributes }, [x], [{ dtype: 'int8', shape: [256] }]);
    expect(results[0].toArray()).toEqual(expected);
  });

  it('softmax and layer norm give quantized results', () => {
    const x = seededTensor('float32', [3, 37]);
    const steps = [
      { op: 'softmax', attributes: { axis: 1 } },
      {
        op: 'layer_norm',
        attributes: { normalizedShape: [37], eps: 1e-5, hasWeight: false, hasBias: false },
      },
    ];
    for (const { op, attributes } of steps) {
      const real = runStep(
        { op, attributes },
        [x],
        [{ dtype: 'float32', shape: [3, 37] }],
      ).results[0].toArray();
      const quantized = { ...attributes, outputScale: 0.015625, outputZeroPoint: 90 };
      const { results } = runStep({ op, attributes: quantized }, [x], [{ dtype: 'uint8', shape: [3, 37] }]);
      expectNearest(results[0], real, 0.015625, 90);
    }
  });
});
