import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments } from '../../lib/graph/index.ts';
import { addon } from '../../lib/native/addon.ts';
import { bfloat16ToFloat, floatToBfloat16, Tensor } from '../../lib/tensor/index.ts';
import { runStep, seededTensor, withGaps } from '../support/steps.ts';

const run = (target: string, ...args: readonly unknown[]): Tensor => {
  const operator = operators.get(target);
  return operator.execute(Arguments.bind<Tensor>(operator.schema, args)) as Tensor;
};

/** `x @ w.T * scales + bias` in float64, of rows as long as the weight's. */
function linear(
  x: readonly number[],
  w: readonly number[],
  terms: number,
  scales: readonly number[],
  bias?: readonly number[],
) {
  const channels = w.length / terms;
  return Array.from({ length: (x.length / terms) * channels }, (_, i) => {
    const [row, channel] = [Math.floor(i / channels), i % channels];
    let sum = 0;
    for (let k = 0; k < terms; k++) sum += x[row * terms + k] * w[channel * terms + k];
    return sum * scales[channel] + (bias?.[channel] ?? 0);
  });
}

function expectNear(actual: readonly number[], wanted: readonly number[], bound: number) {
  expect(actual).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(Math.abs(actual[i] - value)).toBeLessThan(bound);
}

const scalesOf = (channels: number) => Array.from({ length: channels }, (_, i) => 0.002 + 0.0005 * (i % 7));

// Rows around a tile of 4 and a block of 64, channels around a block of 16, terms around a tile of 256.
const grid = [
  { lead: [1], terms: 1, channels: 1 },
  { lead: [3], terms: 37, channels: 17 },
  { lead: [2, 33], terms: 64, channels: 16 },
  { lead: [131], terms: 300, channels: 40 },
];

describe('octavo.weight_only_linear', () => {
  it.each(grid)('$lead rows of $terms, $channels channels', ({ lead, terms, channels }) => {
    const x = seededTensor('float32', [...lead, terms], 1);
    const w = seededTensor('int8', [channels, terms], 2);
    const scales = Tensor.from('float32', scalesOf(channels));
    const bias = seededTensor('float32', [channels], 3);
    const wanted = linear(x.toArray(), w.toArray(), terms, scales.toArray(), bias.toArray());
    const call = (b: Tensor | null, ...unary: readonly unknown[]) =>
      run('octavo.weight_only_linear.default', x, w, scales, b, ...unary);
    const actual = call(bias, 'none', [], '');
    expect(actual.shape).toEqual([...lead, channels]);
    // Each of the sums' float32 roundings is at most 2^-24 of terms * 4 * 128, then scaled by 0.005.
    const bound = 1e-5 + terms * terms * 512 * 0.005 * 2 ** -24;
    expectNear(actual.toArray(), wanted, bound);
    const relu = wanted.map((value, i) => Math.max(value - bias.toArray()[i % channels], 0));
    expectNear(call(null, 'relu', [], '').toArray(), relu, bound);
    const tanh = wanted.map(Math.tanh);
    // Slopes are at most 1; float32's tanh errs by less than 2^-20.
    expectNear(call(bias, 'tanh', [], '').toArray(), tanh, bound + 2 ** -20);
  });

  it('packs a constant weight once, and computes what it computes for another', () => {
    const [x, w] = [seededTensor('float32', [5, 20], 1), seededTensor('int8', [18, 20], 2)];
    const step = { op: 'weight_only_linear', attributes: { weightScales: Float32Array.of(0.01) } } as const;
    const output = { dtype: 'float32', shape: [5, 18] } as const;
    const { results, implementation } = runStep(step, [x, w], [output]);
    expect(implementation).toBe('octavo:int8_weight');
    const constant = addon.createConstant(w.dtype, w.shape, w.data);
    const again = Tensor.zeros('float32', [5, 18]);
    addon.execute(
      { node: 'tested', ...step },
      [x, { dtype: w.dtype, shape: w.shape, data: constant as never }],
      [again],
    );
    expect(again.toArray()).toEqual(results[0].toArray());
  });

  it('takes rows with gaps', () => {
    const [x, w] = [seededTensor('float32', [3, 5, 20], 1), seededTensor('int8', [18, 20], 2)];
    const constant = { dtype: w.dtype, shape: w.shape, data: addon.createConstant(w.dtype, w.shape, w.data) };
    const step = { op: 'weight_only_linear', attributes: { weightScales: Float32Array.of(0.01) } } as const;
    const output = { dtype: 'float32', shape: [3, 5, 18] } as const;
    const dense = runStep(step, [x, w], [output]).results[0];
    const strides = withGaps(x.shape);
    const data = new Float32Array(3 * 5 * 23);
    x.toArray().forEach((value, i) => {
      data[Math.floor(i / 20) * 23 + (i % 20)] = value;
    });
    const result = Tensor.zeros('float32', [3, 5, 18]);
    addon.execute(
      { node: 'tested', ...step },
      [{ dtype: 'float32', shape: x.shape, strides, data }, constant as never],
      [result],
    );
    expect(result.toArray()).toEqual(dense.toArray());
  });

  it('refuses other weights', () => {
    const scales = Tensor.from('float32', [1]);
    const call =
      (w: Tensor, s = scales) =>
      () =>
        run('octavo.weight_only_linear.default', Tensor.zeros('float32', [2, 4]), w, s, null, 'none', [], '');
    expect(call(Tensor.zeros('uint8', [3, 4]))).toThrow(/w must be int8, got uint8/);
    expect(call(Tensor.zeros('int8', [3, 5]))).toThrow(/must end in 5/);
    expect(call(Tensor.zeros('int8', [3, 4]), Tensor.from('float32', [1, 2]))).toThrow(
      /1 or 3 numbers, got 2/,
    );
  });
});

describe('aten._weight_int8pack_mm', () => {
  it('takes bfloat16, as PyTorch has it', () => {
    const values = seededTensor('float32', [6, 40], 1).toArray();
    const [x, scales] = [values, scalesOf(24)].map(floatToBfloat16);
    const w = seededTensor('int8', [24, 40], 2);
    const actual = run(
      'aten._weight_int8pack_mm.default',
      new Tensor('bfloat16', x, [6, 40]),
      w,
      new Tensor('bfloat16', scales, [24]),
    );
    expect(actual.dtype).toBe('bfloat16');
    const wanted = linear([...bfloat16ToFloat(x)], w.toArray(), 40, [...bfloat16ToFloat(scales)]);
    const got = bfloat16ToFloat(actual.data as Uint16Array);
    // Rounded to bfloat16 once: 2^-9 of each value, which is below 128.
    expectNear([...got], wanted, 128 * 2 ** -9);
    for (const [i, value] of wanted.entries())
      expect(Math.abs(got[i] - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8 + 1e-4);
  });
});

describe('onednn.linear_dynamic_fp16', () => {
  it.each(grid)('$lead rows of $terms, $channels channels', ({ lead, terms, channels }) => {
    const x = seededTensor('float32', [...lead, terms], 1);
    // Numbers that float16 does not hold: the weight's rounding is part of the operator's input.
    const exact = seededTensor('float32', [channels, terms], 2)
      .toArray()
      .map((value) => value / 3);
    const half = run('aten.to.dtype', Tensor.from('float32', exact, [channels, terms]), 'float16');
    const w = run('aten.to.dtype', half, 'float32');
    expect(w.toArray()).not.toEqual(Tensor.from('float32', exact).toArray());
    const bias = seededTensor('float32', [channels], 3);
    const wanted = linear(x.toArray(), w.toArray(), terms, Array(channels).fill(1), bias.toArray());
    // As above, of products below 8.
    const bound = 1e-5 + terms * terms * 8 * 2 ** -24;
    expectNear(run('onednn.linear_dynamic_fp16.default', x, half, bias).toArray(), wanted, bound);
    const relu = wanted.map((value) => Math.max(value, 0));
    expectNear(run('onednn.linear_relu_dynamic_fp16.default', x, half, bias).toArray(), relu, bound);
  });
});

describe('aten._int_mm', () => {
  it('sums in int32', () => {
    const [a, b] = [seededTensor('int8', [5, 70], 1), seededTensor('int8', [70, 6], 2)];
    const [x, y] = [a.toArray(), b.toArray()];
    const wanted = Array.from({ length: 30 }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < 70; k++) sum += x[Math.floor(i / 6) * 70 + k] * y[k * 6 + (i % 6)];
      return sum;
    });
    const result = run('aten._int_mm.default', a, b);
    expect([result.dtype, result.toArray()]).toEqual(['int32', wanted]);
    // Of bytes whose zero point is 128, each sum is greater by 128 times the column's.
    const shifted = run(
      'aten._int_mm.default',
      Tensor.from(
        'uint8',
        x.map((v) => v + 128),
        [5, 70],
      ),
      b,
    );
    const columns = Array.from({ length: 6 }, (_, n) =>
      y.reduce((sum, v, i) => sum + (i % 6 === n ? v : 0), 0),
    );
    expect(shifted.toArray()).toEqual(wanted.map((sum, i) => sum + 128 * columns[i % 6]));
    expect(() => run('aten._int_mm.default', a, Tensor.zeros('uint8', [70, 2]))).toThrow(
      /must be an int8 or uint8 and an int8 matrix/,
    );
  });
});
