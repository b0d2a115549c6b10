import { describe, expect, it } from 'vitest';
import { cpuFeatures } from '../../lib/cpu/features.ts';
import { addon } from '../../lib/native/addon.ts';
import { bfloat16ToFloat, Tensor } from '../../lib/tensor/index.ts';
import { integers, seeded } from '../support/reference.ts';

type Byte = 'uint8' | 'int8';

interface Problem {
  readonly batch: number;
  readonly heads: number;
  /** Heads of key and value. */
  readonly shared: number;
  readonly queries: number;
  readonly length: number;
  readonly width: number;
  readonly resultWidth: number;
  /** Of query, key and value. */
  readonly dtypes: readonly [Byte, Byte, Byte];
  readonly output: Byte | 'float32' | 'bfloat16';
  readonly mask: 'none' | 'bool' | 'float32';
  readonly causal: boolean;
  /** Heads lie behind the sequence, as after a view and a transpose. */
  readonly interleaved: boolean;
  readonly weightZeroPoint: number;
}

const plain: Problem = {
  batch: 2,
  heads: 4,
  shared: 4,
  queries: 40,
  length: 40,
  width: 16,
  resultWidth: 16,
  dtypes: ['uint8', 'uint8', 'uint8'],
  output: 'float32',
  mask: 'none',
  causal: false,
  interleaved: true,
  weightZeroPoint: 0,
};

/** Scale and zero point of an operand, by its dtype. */
const parametersOf = (dtype: string, scale: number) => ({
  scale,
  zeroPoint: dtype === 'uint8' ? 117 : dtype === 'int8' ? -9 : 0,
});
const lowest = { uint8: 0, int8: -128 } as const;

/** Runs the step, and compares it with what the operators that it stands for are in float64. */
function check(problem: Problem): string {
  const { batch, heads, shared, queries, length, width, resultWidth, dtypes, output } = problem;
  const random = seeded(1);
  const operand = (dtype: Byte, count: number, rows: number, columns: number) => {
    const shape = [batch, count, rows, columns];
    const strides = problem.interleaved
      ? [count * rows * columns, columns, count * columns, 1]
      : [count * rows * columns, rows * columns, columns, 1];
    const low = lowest[dtype];
    const values = integers(random, batch * count * rows * columns, low, low + 255);
    const data = dtype === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);
    return { dtype, shape, strides, data };
  };
  const q = operand(dtypes[0], heads, queries, width);
  const k = operand(dtypes[1], shared, length, width);
  const v = operand(dtypes[2], shared, length, resultWidth);
  const masked = Array.from({ length: queries * length }, (_, i) => i % length === 0 || random() < 0.7);
  const added = Float32Array.from(masked, () => random() * 4 - 2);
  const masks = {
    none: [],
    bool: [{ dtype: 'bool', shape: [queries, length], data: Uint8Array.from(masked, Number) }],
    float32: [{ dtype: 'float32', shape: [queries, length], data: added }],
  } as const;
  const shape = [batch, heads, queries, resultWidth];
  const y = Tensor.zeros(output, shape);
  const [query, key, value, result] = [
    ...[0.02, 0.03, 0.01].map((scale, i) => parametersOf(dtypes[i], scale)),
    parametersOf(output, output === 'float32' || output === 'bfloat16' ? 1 : 0.003),
  ];
  const scale = 1 / Math.sqrt(width) / 16;
  const weightScale = 1 / 255;
  const attributes = {
    ...Object.fromEntries(
      Object.entries({ query, key, value, output: result }).flatMap(([name, parameters]) => [
        [`${name}Scale`, parameters.scale],
        [`${name}ZeroPoint`, parameters.zeroPoint],
      ]),
    ),
    weightScale,
    weightZeroPoint: problem.weightZeroPoint,
    scale,
    causal: problem.causal,
  };
  const implementation = addon.execute(
    { op: 'attention', node: 'case', attributes },
    [q, k, v, ...masks[problem.mask]],
    [y],
  );
  const results = output === 'bfloat16' ? bfloat16ToFloat(y.data as Uint16Array) : y.toArray().map(Number);
  const at = ({ data, strides }: typeof q, ...index: readonly number[]) =>
    data[index.reduce((sum, i, axis) => sum + i * strides[axis], 0)];
  let wrong = 0;
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < queries; i++) {
        const head = Math.floor(h / (heads / shared));
        const scores = Array.from({ length }, (_, j) => {
          if (problem.causal && j > i) return Number.NEGATIVE_INFINITY;
          if (problem.mask === 'bool' && !masked[i * length + j]) return Number.NEGATIVE_INFINITY;
          let sum = 0;
          for (let c = 0; c < width; c++)
            sum += (at(q, b, h, i, c) - query.zeroPoint) * (at(k, b, head, j, c) - key.zeroPoint);
          const offset = problem.mask === 'float32' ? added[i * length + j] : 0;
          return sum * query.scale * key.scale * scale + offset;
        });
        const most = Math.max(...scores);
        const powers = scores.map((score) => Math.exp(score - most));
        const total = powers.reduce((sum, power) => sum + power, 0);
        // float32 may round what lies next to the middle of two integers to the other one.
        const weights = powers.map((power) => {
          const exact = power / total / weightScale;
          const free = Math.abs(exact - Math.floor(exact) - 0.5) < 1e-3 ? 1 : 0;
          const byte = Math.min(Math.max(Math.round(exact) + problem.weightZeroPoint, 0), 255);
          return { value: byte - problem.weightZeroPoint, free };
        });
        for (let c = 0; c < resultWidth; c++) {
          let [expected, tolerance] = [0, 1e-5];
          weights.forEach(({ value: weight, free }, j) => {
            const real = (at(v, b, head, j, c) - value.zeroPoint) * value.scale * weightScale;
            expected += weight * real;
            tolerance += free * Math.abs(real);
          });
          const got = results[((b * heads + h) * queries + i) * resultWidth + c];
          if (output === 'bfloat16') tolerance += Math.abs(expected) * 2 ** -8;
          const low = output === 'float32' || output === 'bfloat16' ? undefined : lowest[output];
          const clamped =
            low === undefined
              ? expected
              : Math.min(Math.max(expected / result.scale + result.zeroPoint, low), low + 255);
          if (low !== undefined) tolerance = tolerance / result.scale + 0.5;
          if (!(Math.abs(got - clamped) <= tolerance)) wrong++;
        }
      }
  expect(wrong).toBe(0);
  return implementation;
}

describe('attention of 8-bit integers against float64', () => {
  it.each([
    [8, 8, 16, 16],
    [33, 65, 8, 24],
    [32, 128, 64, 64],
    [100, 31, 1, 3],
    [9, 1, 33, 1],
    [1, 50, 16, 16],
    [7, 300, 80, 40],
    [70, 1050, 32, 32],
    [197, 197, 64, 64],
  ])('%i queries, %i keys, width %i, %i of results', (queries, length, width, resultWidth) => {
    check({ ...plain, batch: 1, heads: 2, shared: 2, queries, length, width, resultWidth });
  });

  it.each<readonly [Byte, Byte, Byte]>([
    ['int8', 'uint8', 'uint8'],
    ['uint8', 'int8', 'uint8'],
    ['uint8', 'uint8', 'int8'],
    ['int8', 'int8', 'int8'],
  ])('query %s, key %s, value %s', (...dtypes) => {
    check({ ...plain, dtypes });
  });

  it.each(['uint8', 'int8', 'bfloat16'] as const)('the result is %s', (output) => {
    check({ ...plain, output, interleaved: false });
  });

  it.each(['bool', 'float32'] as const)('mask: %s', (mask) => {
    check({ ...plain, mask });
  });

  it.each([
    [40, 40],
    [40, 70],
    [70, 40],
  ])('causal, %i queries and %i keys', (queries, length) => {
    check({ ...plain, queries, length, causal: true, weightZeroPoint: 3 });
  });

  it('weights with a zero point, heads that share keys and values', () => {
    check({ ...plain, weightZeroPoint: 19 });
    check({ ...plain, shared: 2, mask: 'bool', weightZeroPoint: 1 });
  });

  it('runs on products of bytes where the CPU has them', () => {
    const { isa } = cpuFeatures().oneDnn;
    const expected = /amx/.test(isa)
      ? 'octavo:tiles:attention'
      : /^avx512_core_/.test(isa)
        ? 'octavo:vnni:attention'
        : 'octavo:tiled_attention';
    expect(check(plain)).toBe(expected);
  });

  it('refuses integers beside floats', () => {
    const [q, k] = [Tensor.zeros('uint8', [1, 8, 4]), Tensor.zeros('float32', [1, 8, 4])];
    expect(() => addon.execute({ op: 'attention', node: 'case', attributes: {} }, [q, k, k], [k])).toThrow(
      'the key: float32 expected, or bfloat16 or 8-bit integers for all three, got float32[1, 8, 4]',
    );
  });
});
