import { describe, expect, it } from 'vitest';
import { cpuFeatures } from '../../lib/cpu/features.ts';
import { addon } from '../../lib/native/addon.ts';
import { bfloat16ToFloat, floatToBfloat16, Tensor } from '../../lib/tensor/index.ts';
import { seeded } from '../support/reference.ts';

interface Problem {
  readonly dtype: 'float32' | 'bfloat16';
  readonly batch: number;
  readonly heads: number;
  /** Heads of key and value. */
  readonly shared: number;
  readonly queries: number;
  readonly length: number;
  readonly width: number;
  readonly resultWidth: number;
  readonly causal: boolean;
  readonly mask: 'none' | 'bool' | 'float32' | 'bfloat16' | 'keys';
  /** Heads lie behind the sequence, as after a view and a transpose. */
  readonly interleaved: boolean;
}

const shapeOf = ({ batch }: Problem, heads: number, rows: number, columns: number) => [
  batch,
  heads,
  rows,
  columns,
];

const stridesOf = (problem: Problem, [, heads, rows, columns]: readonly number[]) =>
  problem.interleaved
    ? [heads * rows * columns, columns, heads * columns, 1]
    : [heads * rows * columns, rows * columns, columns, 1];

function maskOf(problem: Problem, random: () => number) {
  const { batch, heads, queries, length, mask } = problem;
  if (mask === 'none') return undefined;
  if (mask === 'keys') {
    // Of each sample, at least the first key is attended to, but for the last sample: a row that is masked altogether.
    const data = Uint8Array.from({ length: batch * length }, (_, i) =>
      i >= (batch - 1) * length && batch > 1 ? 0 : i % length === 0 || random() < 0.6 ? 1 : 0,
    );
    return {
      dtype: 'bool' as const,
      shape: [batch, 1, 1, length],
      data,
      at: (b: number, _h: number, _q: number, k: number) =>
        data[b * length + k] ? 0 : Number.NEGATIVE_INFINITY,
    };
  }
  const shape = [heads, queries, length];
  const count = heads * queries * length;
  const index = (h: number, q: number, k: number) => (h * queries + q) * length + k;
  if (mask === 'bool') {
    const data = Uint8Array.from({ length: count }, (_, i) => (i % length === 0 || random() < 0.7 ? 1 : 0));
    return {
      dtype: 'bool' as const,
      shape,
      data,
      at: (_: number, h: number, q: number, k: number) =>
        data[index(h, q, k)] ? 0 : Number.NEGATIVE_INFINITY,
    };
  }
  // Numbers that bfloat16 has.
  const values = Float32Array.from({ length: count }, () => Math.round(random() * 64 - 32) / 16);
  const data =
    mask === 'float32'
      ? values
      : new Uint16Array(values.length).map((_, i) => new Uint32Array(values.buffer)[i] >>> 16);
  return {
    dtype: mask,
    shape,
    data,
    at: (_: number, h: number, q: number, k: number) => values[index(h, q, k)],
  };
}

/** The largest difference from attention in float64, relative to the largest value. */
function errorOf(problem: Problem): { readonly error: number; readonly implementation: string } {
  const { dtype, batch, heads, shared, queries, length, width, resultWidth, causal } = problem;
  const random = seeded(1);
  const tensor = (shape: readonly number[]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() * 4 - 2);
    const data = dtype === 'float32' ? values : floatToBfloat16(values);
    return { dtype, shape, strides: stridesOf(problem, shape), data };
  };
  const q = tensor(shapeOf(problem, heads, queries, width));
  const k = tensor(shapeOf(problem, shared, length, width));
  const v = tensor(shapeOf(problem, shared, length, resultWidth));
  const y = tensor(shapeOf(problem, heads, queries, resultWidth));
  const mask = maskOf(problem, random);
  const implementation = addon.execute(
    { op: 'attention', node: 'case', attributes: { causal } },
    [q, k, v, ...(mask ? [mask] : [])].map(({ dtype, shape, data, ...rest }) => ({
      dtype,
      shape,
      data,
      ...('strides' in rest ? { strides: rest.strides } : {}),
    })),
    [y],
  );
  const valuesOf = ({ strides, data }: typeof q) => {
    const values = data instanceof Float32Array ? data : bfloat16ToFloat(data);
    return (b: number, h: number, r: number, c: number) =>
      values[b * strides[0] + h * strides[1] + r * strides[2] + c * strides[3]];
  };
  const [query, key, value, result] = [q, k, v, y].map(valuesOf);
  let error = 0;
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < queries; i++) {
        const head = Math.floor(h / (heads / shared));
        const scores = Array.from({ length }, (_, j) => {
          if (causal && j > i) return Number.NEGATIVE_INFINITY;
          let sum = 0;
          for (let c = 0; c < width; c++) sum += query(b, h, i, c) * key(b, head, j, c);
          return sum / Math.sqrt(width) + (mask?.at(b, h, i, j) ?? 0);
        });
        const most = Math.max(...scores);
        const weights = scores.map((score) =>
          most === Number.NEGATIVE_INFINITY ? 0 : Math.exp(score - most),
        );
        const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
        for (let c = 0; c < resultWidth; c++) {
          const expected = weights.reduce(
            (sum, weight, j) => sum + (weight / total) * value(b, head, j, c),
            0,
          );
          error = Math.max(error, Math.abs(expected - result(b, h, i, c)) / 2);
        }
      }
  return { error, implementation };
}

const forty: Problem = {
  dtype: 'float32',
  batch: 2,
  heads: 4,
  shared: 4,
  queries: 40,
  length: 40,
  width: 16,
  resultWidth: 16,
  causal: false,
  mask: 'none',
  interleaved: true,
};

/** With AMX, or with AVX-512 on another CPU than Intel's, whose products of bfloat16 take twice as long as float32's. */
function multipliesBfloat16Faster(): boolean {
  const { vendor, oneDnn } = cpuFeatures();
  return /amx/.test(oneDnn.isa) || (/bf16|fp16/.test(oneDnn.isa) && vendor !== 'GenuineIntel');
}

// Sums of up to 1,024 float32 products of numbers up to 4, through exp: errors of scores of 1e-6 each. A result in bfloat16
// is rounded, and so are the weights where it is a product of bfloat16: 2^-9 each.
const tolerances = { float32: 1e-5, bfloat16: 1e-5 + 2 ** -8 } as const;

describe.each(['float32', 'bfloat16'] as const)('attention of %s against float64', (dtype) => {
  const plain = { ...forty, dtype };
  const tolerance = tolerances[dtype];
  const sizes = [
    [8, 8, 16, 16],
    [33, 65, 8, 24],
    [32, 128, 64, 64],
    [100, 31, 1, 3],
    [9, 1, 33, 1],
    [1, 50, 16, 16],
    [7, 300, 80, 40],
    [70, 2050, 32, 32],
  ];
  it.each(sizes)('%i queries, %i keys, width %i, %i of results', (queries, length, width, resultWidth) => {
    const { error } = errorOf({
      ...plain,
      batch: 1,
      heads: 2,
      shared: 2,
      queries,
      length,
      width,
      resultWidth,
    });
    expect(error).toBeLessThan(tolerance);
  });

  it.each(['none', 'bool', 'float32', 'bfloat16', 'keys'] as const)('mask: %s', (mask) => {
    for (const interleaved of [true, false])
      for (const queries of [5, 40]) {
        const { error } = errorOf({ ...plain, queries, mask, interleaved });
        expect(error).toBeLessThan(tolerance);
      }
  });

  it.each([
    [40, 40],
    [40, 70],
    [70, 40],
    [3, 40],
  ])('causal, %i queries and %i keys', (queries, length) => {
    expect(errorOf({ ...plain, queries, length, causal: true }).error).toBeLessThan(tolerance);
  });

  it.each([1, 2])('%i heads of keys and values are shared by four of the query', (shared) => {
    for (const queries of [1, 40])
      expect(errorOf({ ...plain, shared, queries, mask: 'keys' }).error).toBeLessThan(tolerance);
  });

  it('many queries are computed in tiles, few by oneDNN', () => {
    const inTiles = dtype === 'float32' || !multipliesBfloat16Faster();
    expect(errorOf(plain).implementation).toMatch(inTiles ? /^octavo:tiled_attention$/ : /octavo:softmax/);
    expect(errorOf({ ...plain, queries: 4 }).implementation).toContain('octavo:softmax');
  });
});

describe('attention', () => {
  it.each([
    [[2, 3, 8, 4], [2, 2, 8, 4], /heads that divide/],
    [[2, 3, 8, 4], [1, 3, 8, 4], /batch extents/],
  ])('a key of other heads is refused', (query, key, message) => {
    const tensors = [query, key, key].map((shape) => Tensor.zeros('float32', shape));
    expect(() =>
      addon.execute({ op: 'attention', node: 'case', attributes: {} }, tensors, [
        Tensor.zeros('float32', query),
      ]),
    ).toThrow(message);
  });

  it('a mask that does not broadcast is refused', () => {
    const [q, mask] = [Tensor.zeros('float32', [2, 8, 4]), Tensor.zeros('float32', [3, 8, 8])];
    expect(() =>
      addon.execute({ op: 'attention', node: 'case', attributes: {} }, [q, q, q, mask], [q]),
    ).toThrow(/mask must broadcast/);
  });
});
