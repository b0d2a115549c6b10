import { describe, expect, it } from 'vitest';
import { rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';
import { runStep, seededIntegers, stridesInOrder, withGaps } from '../support/steps.ts';

const compute = (algorithm: string, x: Tensor, dtype: 'float32' | 'float64') =>
  runStep({ op: 'elementwise', attributes: { algorithm, dtype } }, [x], [{ dtype, shape: x.shape }])
    .results[0];

/** Every exponent of float32 and both signs, ordinary sizes, and the neighbourhoods of the roots of sine and cosine. */
const patterns = Uint32Array.from({ length: 2 ** 14 }, (_, i) => (i << 18) | ((i * 40503) & 0x3ffff));
const values = [
  ...new Float32Array(patterns.buffer).filter((x) => !Number.isNaN(x)),
  ...seededIntegers(20_000, -50_000, 50_000, 3).map((i) => Math.fround(i / 1024)),
  ...Array.from({ length: 2000 }, (_, i) => Math.fround(((i - 1000) * Math.PI) / 2)),
];

describe('erf, sin and cos of float32', () => {
  // The C library's float64 functions are the reference. 3 units in the last place; for sine and cosine around their roots,
  // where a unit is as small as the result, units of 2^-24 / 100 in 1: the reduction by multiples of pi / 2 is in float64.
  it.each(['erf', 'sin', 'cos'])('%s is as close to float64’s as float32 allows', (algorithm) => {
    // A chunk of moderate numbers alone is computed in the fast loop, others by the C library.
    for (const xs of [values, values.filter((x) => Math.abs(x) < 1e5)]) {
      const x = Tensor.from('float32', xs);
      const got = compute(algorithm, x, 'float32').data as Float32Array;
      const wanted = compute(algorithm, Tensor.from('float64', xs), 'float64').data as Float64Array;
      got.forEach((value, i) => {
        if (Object.is(value, wanted[i]) || (Number.isNaN(value) && Number.isNaN(wanted[i]))) return;
        const unit = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(wanted[i])))) - 23);
        if (!(Math.abs(value - wanted[i]) <= Math.max(3 * unit, 6e-10)))
          expect.fail(`${algorithm}(${xs[i]}) is ${value}, should be ${wanted[i]}`);
      });
    }
  });

  it('keeps NaN, infinities and zeros as PyTorch does', () => {
    const x = Tensor.from('float32', [Number.NaN, Infinity, -Infinity, 0, -0]);
    expect(compute('erf', x, 'float32').toArray()).toEqual([Number.NaN, 1, -1, 0, -0]);
    expect(compute('sin', x, 'float32').toArray()).toEqual([Number.NaN, Number.NaN, Number.NaN, 0, -0]);
    expect(compute('cos', x, 'float32').toArray()).toEqual([Number.NaN, Number.NaN, Number.NaN, 1, 1]);
  });
});

describe('typed steps under any strides', () => {
  const shape = [3, 5, 700];
  const count = 3 * 5 * 700;
  const a = Tensor.from('int32', seededIntegers(count, -99, 99, 1), shape);
  const b = Tensor.from('int16', seededIntegers(count, -99, 99, 2), shape);
  const mask = Tensor.from('bool', seededIntegers(count, 0, 1, 3), shape);
  const [x, y, m] = [a.toArray(), b.toArray(), mask.toArray()];
  const transposed = (of: readonly number[]) => stridesInOrder(of, of.length === 3 ? [2, 0, 1] : [1, 0]);
  const rows = Array.from({ length: 15 }, (_, i) => x.slice(i * 700, i * 700 + 700));

  const steps: [
    string,
    Parameters<typeof runStep>[0],
    readonly Tensor[],
    'int64' | 'int32',
    number[],
    number[],
  ][] = [
    [
      'a sum of two dtypes',
      { op: 'elementwise', attributes: { algorithm: 'add', dtype: 'int64' } },
      [a, b],
      'int64',
      shape,
      x.map((value, i) => value + y[i]),
    ],
    [
      'a number on the left',
      { op: 'elementwise', attributes: { algorithm: 'sub', dtype: 'int32', a: 7 } },
      [b],
      'int32',
      shape,
      y.map((value) => 7 - value),
    ],
    [
      'a choice',
      { op: 'select', attributes: { b: -1 } },
      [mask, a],
      'int32',
      shape,
      x.map((value, i) => (m[i] ? value : -1)),
    ],
    [
      'running sums',
      { op: 'scan', attributes: { algorithm: 'cumsum', axes: [2] } },
      [a],
      'int64',
      shape,
      rows.flatMap((row) =>
        row.map(
          (
            (sum) => (value) =>
              (sum += value)
          )(0),
        ),
      ),
    ],
    [
      'places of the greatest',
      { op: 'arg_reduce', attributes: { algorithm: 'max', axes: [2] } },
      [a],
      'int64',
      [3, 5],
      rows.map((row) => row.indexOf(Math.max(...row))),
    ],
    [
      'an order of all',
      { op: 'sort', attributes: { axes: [2], descending: true } },
      [a],
      'int64',
      shape,
      rows.flatMap((row) => row.map((_, i) => i).sort((i, j) => row[j] - row[i] || i - j)),
    ],
    [
      'a count',
      { op: 'fold', attributes: { algorithm: 'count_nonzero', axes: [1], keepdim: true } },
      [mask],
      'int64',
      [3, 1, 700],
      Array.from({ length: 2100 }, (_, i) =>
        [0, 1, 2, 3, 4].reduce((sum, k) => sum + m[(Math.floor(i / 700) * 5 + k) * 700 + (i % 700)], 0),
      ),
    ],
  ];
  it.each(steps)('%s', (_, step, inputs, dtype, outputShape, expected) => {
    for (const layout of [rowMajorStrides, withGaps, transposed])
      for (const outputLayout of [rowMajorStrides, withGaps, transposed]) {
        const { results } = runStep(step, inputs, [{ dtype, shape: outputShape }], layout, outputLayout);
        expect(results[0].toArray()).toEqual(expected);
      }
  });

  it('refuse what they cannot compute, by name', () => {
    const run = (attributes: Parameters<typeof runStep>[0]['attributes']) =>
      runStep({ op: 'elementwise', attributes }, [a], [{ dtype: 'int32', shape }]);
    expect(() => run({ algorithm: 'sine', dtype: 'int32' })).toThrow("unknown elementwise algorithm 'sine'");
    expect(() => run({ algorithm: 'sin', dtype: 'int32' })).toThrow("'sin' is not computed in int32");
    expect(() => run({ algorithm: 'add', dtype: 'int32' })).toThrow('input 1 (b) is missing');
    expect(() => run({ algorithm: 'add', dtype: 'int8', b: 300 })).toThrow(
      'the number 300.000000 does not fit int8',
    );
    expect(() => run({ algorithm: 'fmod', dtype: 'int32', b: 0 })).toThrow(
      "elementwise 'tested': an integer is divided by 0",
    );
    expect(() =>
      runStep({ op: 'select', attributes: { b: 1 } }, [a, a], [{ dtype: 'int32', shape }]),
    ).toThrow('the condition must be bool, got int32');
    const sort = { op: 'sort', attributes: { axes: [2], descending: false, count: 701 } };
    expect(() => runStep(sort, [a], [{ dtype: 'int64', shape }])).toThrow(
      'there are 700 elements along the axis, not 701',
    );
  });
});
