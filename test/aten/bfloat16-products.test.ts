import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { floatToBfloat16, numelOf, rowMajorStrides, Tensor } from '../../lib/tensor/index.ts';
import {
  convolutionSums,
  finish,
  firstMismatch,
  linearSums,
  seeded,
  valuesOf,
} from '../support/reference.ts';
import { channelsLast, type Layout, runStep, withGaps } from '../support/steps.ts';

/** `firstMismatch` allows a bfloat16 result one unit in its last place, and says why. */
const expectRounded = (actual: Tensor, exact: ArrayLike<number>) =>
  expect(firstMismatch(actual, exact, 1, 0)).toBeUndefined();

const random = seeded(1);
const reals = (dtype: 'float32' | 'bfloat16', shape: readonly number[], size = 1) => {
  const values = Array.from({ length: numelOf(shape) }, () => size * (2 * random() - 1));
  return dtype === 'float32'
    ? Tensor.from(dtype, values, shape)
    : new Tensor(dtype, floatToBfloat16(values), shape);
};
const integers = (dtype: 'uint8' | 'int8', shape: readonly number[], low: number, high: number) =>
  Tensor.from(
    dtype,
    Array.from({ length: numelOf(shape) }, () => low + Math.floor(random() * (high - low + 1))),
    shape,
  );

// What makes a product of floats narrow (weights are bfloat16, biases float32), and one of integers give bfloat16.
const layers = [
  { name: '3x3', x: [2, 5, 9, 8], weight: [7, 5, 3, 3], stride: 1, padding: 1, groups: 1 },
  { name: '3x3, stride 2', x: [1, 16, 9, 9], weight: [32, 16, 3, 3], stride: 2, padding: 1, groups: 1 },
  { name: '1x1', x: [2, 24, 5, 5], weight: [17, 24, 1, 1], stride: 1, padding: 0, groups: 1 },
  { name: 'depthwise', x: [1, 19, 7, 7], weight: [19, 1, 3, 3], stride: 1, padding: 1, groups: 19 },
  { name: 'groups', x: [1, 12, 6, 6], weight: [8, 3, 3, 3], stride: 1, padding: 0, groups: 4 },
] as const;
const fused = [
  { unary: 'none' },
  { unary: 'relu' },
  { unary: 'hardswish' },
  { unary: 'hardsigmoid' },
  { unary: 'gelu_tanh' },
  { unary: 'none', addend: 'bfloat16' },
  { unary: 'relu', addend: 'bfloat16' },
] as const;
const layouts: Readonly<Record<string, Layout>> = {
  'row-major': rowMajorStrides,
  'channels-last': channelsLast,
};

describe.each(Object.entries(layouts))('convolution, %s', (_, layout) => {
  describe.each(layers)('$name', ({ x: xShape, weight: weightShape, stride, padding, groups }) => {
    const geometry = {
      stride: [stride, stride],
      padding: [padding, padding],
      dilation: [1, 1],
      groups,
    };
    const cases = (['bfloat16', 'uint8'] as const).flatMap((dtype) =>
      fused.map((fusion) => ({ dtype, addend: undefined, ...fusion })),
    );
    it.each(cases)('of $dtype, then $addend, $unary', ({ dtype, unary, addend }) => {
      const isInteger = dtype === 'uint8';
      const x = isInteger ? integers(dtype, xShape, 0, 255) : reals(dtype, xShape);
      const weight = isInteger ? integers('int8', weightShape, -127, 127) : reals(dtype, weightShape);
      const bias = reals('float32', [weightShape[0]]);
      const scales = isInteger ? bias.toArray().map((v) => Math.fround(0.0002 + 0.0001 * Math.abs(v))) : [1];
      const [xScale, xZeroPoint] = isInteger ? [Math.fround(0.7), 60] : [1, 0];
      const { sums, shape } = convolutionSums({
        ...{ x: valuesOf(x), xShape, xZeroPoint, weight: valuesOf(weight), weightShape },
        ...{ ...geometry, paddingEnd: geometry.padding },
      });
      const added = addend && reals(addend, shape, 3);
      const attributes = {
        ...{ ...geometry, hasBias: true, unary },
        ...(isInteger ? { xScale, xZeroPoint, weightScales: Float32Array.from(scales) } : {}),
        ...(added ? { binary: 'sum' } : {}),
      };
      const { results } = runStep(
        { op: 'convolution', attributes },
        [x, weight, bias, ...(added ? [added] : [])],
        [{ dtype: 'bfloat16', shape }],
        (extents) => (extents.length === 4 ? layout(extents) : rowMajorStrides(extents)),
      );
      const plane = shape[2] * shape[3];
      const exact = finish(
        sums,
        (i) => Math.floor(i / plane) % shape[1],
        scales.map((scale) => scale * xScale),
        bias.toArray(),
        added && ((i) => valuesOf(added)[i]),
        unary,
      );
      expectRounded(results[0], exact);
    });
  });
});

describe('linear', () => {
  it.each([
    { rows: [3], inner: 20, out: 9, addend: undefined, output: 'bfloat16' },
    { rows: [2, 7], inner: 64, out: 32, addend: undefined, output: 'bfloat16' },
    { rows: [2, 7], inner: 33, out: 16, addend: 'bfloat16', output: 'bfloat16' },
    { rows: [2, 7], inner: 33, out: 16, addend: 'float32', output: 'float32' },
  ] as const)('of bfloat16 $rows x $inner to $out gives $output', ({ rows, inner, out, addend, output }) => {
    const [x, weight, bias] = [
      reals('bfloat16', [...rows, inner]),
      reals('bfloat16', [out, inner]),
      reals('float32', [out]),
    ];
    const shape = [...rows, out];
    const added = addend && reals(addend, shape, 3);
    for (const layout of [rowMajorStrides, withGaps]) {
      const { results } = runStep(
        { op: 'linear', attributes: { hasBias: true, unary: 'none', ...(added ? { binary: 'sum' } : {}) } },
        [x, weight, bias, ...(added ? [added] : [])],
        [{ dtype: output, shape }],
        (extents) => (extents.length > 1 ? layout(extents) : rowMajorStrides(extents)),
      );
      const sums = linearSums(valuesOf(x), 0, valuesOf(weight), [out, inner]);
      const plus = added && ((i: number) => valuesOf(added)[i]);
      expectRounded(
        results[0],
        finish(sums, (i) => i % out, [1], bias.toArray(), plus, 'none'),
      );
    }
  });

  it('takes a constant weight of bfloat16, and an addend where the result goes', () => {
    const [x, weight] = [reals('bfloat16', [5, 33]), reals('bfloat16', [16, 33])];
    const sum = reals('bfloat16', [5, 16], 3);
    const plus = Array.from(valuesOf(sum));
    const constant = {
      dtype: 'bfloat16' as const,
      shape: [16, 33],
      data: addon.createConstant('bfloat16', [16, 33], weight.data),
    };
    const attributes = { hasBias: false, unary: 'relu', binary: 'sum' };
    const implementation = addon.execute({ op: 'linear', node: 'n', attributes }, [x, constant, sum], [sum]);
    const sums = linearSums(valuesOf(x), 0, valuesOf(weight), [16, 33]);
    expectRounded(
      sum,
      finish(
        sums,
        () => 0,
        [1],
        undefined,
        (i) => plus[i],
        'relu',
      ),
    );
    // Never one of oneDNN's reference kernels, on any CPU; where it computes in float32, the name says so.
    expect(implementation).toMatch(/^octavo:convert\+[\w:]+\+octavo:convert$|bf16|avx512|amx/);
    expect(implementation).not.toMatch(/ref/);
  });
});

describe('matmul', () => {
  it.each([
    { a: [6, 17], b: [17, 5] },
    { a: [2, 3, 6, 17], b: [2, 3, 17, 9] },
    { a: [2, 3, 6, 17], b: [17, 9] },
  ])('of bfloat16 $a and $b', ({ a: aShape, b: bShape }) => {
    const [a, b] = [reals('bfloat16', aShape), reals('bfloat16', bShape)];
    const [rows, inner] = aShape.slice(-2);
    const columns = bShape.at(-1)!;
    const shape = [...aShape.slice(0, -1), columns];
    const [left, right] = [valuesOf(a), valuesOf(b)];
    const exact = Array.from({ length: numelOf(shape) }, (_, i) => {
      const matrix = Math.floor(i / (rows * columns));
      const from = bShape.length > 2 ? matrix * inner * columns : 0;
      const at = Math.floor(i / columns) * inner;
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += left[at + k] * right[from + k * columns + (i % columns)];
      return sum;
    });
    for (const layout of [rowMajorStrides, withGaps]) {
      const { results } = runStep(
        { op: 'matmul', attributes: {} },
        [a, b],
        [{ dtype: 'bfloat16', shape }],
        layout,
      );
      expectRounded(results[0], exact);
    }
  });
});

describe('attention', () => {
  const [heads, length, width] = [3, 11, 8];
  const shape = [2, heads, length, width];

  it.each([
    { causal: false, mask: undefined },
    { causal: true, mask: undefined },
    { causal: false, mask: 'float32' },
    { causal: false, mask: 'bfloat16' },
  ] as const)('of bfloat16, causal: $causal, mask: $mask', ({ causal, mask: maskDtype }) => {
    const [query, key, value] = [1, 2, 3].map(() => reals('bfloat16', shape, 2));
    const mask = maskDtype && reals(maskDtype, [length, length], 2);
    const { results } = runStep(
      { op: 'attention', attributes: { causal } },
      [query, key, value, ...(mask ? [mask] : [])],
      [{ dtype: 'bfloat16', shape }],
    );
    const [q, k, v] = [query, key, value].map(valuesOf);
    const exact: number[] = [];
    for (let row = 0; row < 2 * heads * length; row++) {
      const [i, first] = [row % length, (row - (row % length)) * width];
      const scores = Array.from({ length: causal ? i + 1 : length }, (_, j) => {
        let sum = 0;
        for (let c = 0; c < width; c++) sum += q[row * width + c] * k[first + j * width + c];
        return Math.exp(sum / Math.sqrt(width) + (mask ? valuesOf(mask)[i * length + j] : 0));
      });
      const total = scores.reduce((a, b) => a + b);
      for (let c = 0; c < width; c++)
        exact.push(scores.reduce((sum, score, j) => sum + (score / total) * v[first + j * width + c], 0));
    }
    // The weights of the sum are bfloat16 where it is a product of bfloat16: each off by 2^-9 of itself, times values up
    // to 2. And the result's own rounding.
    const got = valuesOf(results[0]);
    exact.forEach((wanted, i) => {
      expect(Math.abs(got[i] - wanted)).toBeLessThan(2 ** -8 + Math.abs(wanted) * 2 ** -8);
    });
  });

  it('refuses dtypes that differ', () => {
    const [query, key] = [reals('bfloat16', shape), reals('float32', shape)];
    const call = () =>
      runStep({ op: 'attention', attributes: {} }, [query, key, key], [{ dtype: 'bfloat16', shape }]);
    expect(call).toThrow(
      'the key: float32 expected, or bfloat16 or 8-bit integers for all three, got float32[2, 3, 11, 8]',
    );
  });
});
