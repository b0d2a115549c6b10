import { describe, expect, it } from 'vitest';
import { numelOf, rowMajorStrides, type Tensor } from '../../lib/tensor/index.ts';
import { image, layouts, rounded, type Values, valuesOf, x, y } from '../support/bfloat16-tensors.ts';
import { unaryReference } from '../support/reference.ts';
import { runStep, seededTensor } from '../support/steps.ts';

type Attributes = Parameters<typeof runStep>[0]['attributes'];
const row = (count: number, seed: number) => seededTensor('float32', [count], seed);

/** The values of row-major `values` that lie along some axes of `shape`, for every place along the others. */
function slices(shape: readonly number[], axes: readonly number[]): number[][] {
  const groups = new Map<string, number[]>();
  const strides = rowMajorStrides(shape);
  for (let at = 0; at < numelOf(shape); at++) {
    const place = strides.map((stride, axis) =>
      axes.includes(axis) ? '' : ((at / stride) | 0) % shape[axis],
    );
    const group = groups.get(String(place)) ?? [];
    group.push(at);
    groups.set(String(place), group);
  }
  return [...groups.values()];
}

/** A function of whole slices, whose results take their places. */
function alongAxes(values: Values, axes: readonly number[], of: (slice: Values) => Values): number[] {
  const result = new Array<number>(values.length);
  for (const group of slices(image, axes)) {
    const out = of(group.map((at) => values[at]));
    group.forEach((at, i) => {
      result[at] = out[i];
    });
  }
  return result;
}

const mean = (values: Values) => values.reduce((a, b) => a + b, 0) / values.length;
const softmax = (values: Values) => {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
};
const standardize = (values: Values, eps: number) => {
  const center = mean(values);
  const deviation = Math.sqrt(mean(values.map((value) => (value - center) ** 2)) + eps);
  return values.map((value) => (value - center) / deviation);
};
const channelOf = (at: number) => Math.floor(at / 30) % 19;

/** Windows of 3 x 3 with stride 2 and a border of 1: for every result the positions inside. */
function windows(): number[][] {
  const results: number[][] = [];
  for (let plane = 0; plane < 2 * 19; plane++)
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) {
        const inside: number[] = [];
        for (let h = 2 * i - 1; h < 2 * i + 2; h++)
          for (let w = 2 * j - 1; w < 2 * j + 2; w++)
            if (h >= 0 && h < 5 && w >= 0 && w < 6) inside.push(plane * 30 + h * 6 + w);
        results.push(inside);
      }
  return results;
}

interface Subject {
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: readonly Tensor[];
  readonly shape?: readonly number[];
  readonly exact: (...inputs: readonly Values[]) => Values;
}

const eltwise = (
  algorithm: string,
  of: (value: number) => number,
  more: Attributes = {},
): [string, Subject] => [
  algorithm,
  { op: 'eltwise', attributes: { algorithm, ...more }, inputs: [x], exact: (a) => a.map(of) },
];
const binary = (
  algorithm: string,
  of: (a: number, b: number) => number,
  more: Attributes = {},
): [string, Subject] => [
  algorithm,
  {
    op: 'binary',
    attributes: { algorithm, ...more },
    inputs: [x, y],
    exact: (a, b) => a.map((value, i) => of(value, b[i])),
  },
];
const pool = (name: string, algorithm: string, of: (inside: Values) => number): [string, Subject] => [
  name,
  {
    op: 'pool',
    attributes: { algorithm, kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
    inputs: [x],
    shape: [2, 19, 3, 3],
    exact: (a) => windows().map((inside) => of(inside.map((at) => a[at]))),
  },
];
const reduce = (
  algorithm: string,
  axes: readonly number[],
  of: (slice: Values) => number,
): [string, Subject] => [
  `${algorithm} over ${axes}`,
  {
    op: 'reduce',
    attributes: { algorithm, axes, keepdim: true },
    inputs: [x],
    shape: image.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
    exact: (a) => slices(image, axes).map((group) => of(group.map((at) => a[at]))),
  },
];
const [scale, shift, center, variance] = [row(19, 3), row(19, 5), row(19, 8), row(19, 9)];
const [wide, bias] = [row(30, 4), row(30, 6)];

const subjects: Readonly<Record<string, Subject>> = Object.fromEntries([
  eltwise('relu', unaryReference.relu),
  eltwise('clip', (v) => Math.min(Math.max(v, -1), 2), { alpha: -1, beta: 2 }),
  eltwise('leaky_relu', unaryReference.leaky_relu, { alpha: 0.1 }),
  eltwise('linear', (v) => 1.7 * v + 0.3, { alpha: 1.7, beta: 0.3 }),
  eltwise('hardswish', unaryReference.hardswish),
  eltwise('hardsigmoid', unaryReference.hardsigmoid),
  eltwise('gelu_erf', unaryReference.gelu),
  eltwise('gelu_tanh', unaryReference.gelu_tanh),
  eltwise('sigmoid', unaryReference.sigmoid),
  eltwise('tanh', unaryReference.tanh),
  eltwise('swish', unaryReference.swish, { alpha: 1 }),
  eltwise('exp', Math.exp),
  eltwise('pow', (v) => v * v, { alpha: 1, beta: 2 }),
  binary('add', (a, b) => a + b),
  binary('sub', (a, b) => a - 0.5 * b, { alpha: 0.5 }),
  binary('mul', (a, b) => a * b),
  binary('div', (a, b) => a / b),
  binary('max', Math.max),
  binary('min', Math.min),
  pool('max pooling', 'max', (inside) => Math.max(...inside)),
  pool('average pooling with the border', 'avg_include_padding', (v) => (mean(v) * v.length) / 9),
  pool('average pooling without the border', 'avg_exclude_padding', mean),
  [
    'adaptive pooling',
    {
      op: 'pool',
      attributes: { algorithm: 'avg_adaptive' },
      inputs: [x],
      shape: [2, 19, 1, 1],
      exact: (a) => slices(image, [2, 3]).map((group) => mean(group.map((at) => a[at]))),
    },
  ],
  ...[1, 3].map((axis): [string, Subject] => [
    `softmax along ${axis}`,
    { op: 'softmax', attributes: { axis }, inputs: [x], exact: (a) => alongAxes(a, [axis], softmax) },
  ]),
  [
    'log softmax',
    {
      op: 'softmax',
      attributes: { axis: 1, logarithm: true },
      inputs: [x],
      exact: (a) => alongAxes(a, [1], (slice) => softmax(slice).map(Math.log)),
    },
  ],
  [
    'layer_norm',
    {
      op: 'layer_norm',
      attributes: { normalizedShape: [5, 6], eps: 1e-5, hasWeight: true, hasBias: true },
      inputs: [x, wide, bias],
      exact: (a, w, b) =>
        alongAxes(a, [2, 3], (slice) => standardize(slice, 1e-5).map((v, i) => v * w[i] + b[i])),
    },
  ],
  [
    'group_norm',
    {
      op: 'group_norm',
      attributes: { groups: 19, eps: 1e-5, hasWeight: true, hasBias: true },
      inputs: [x, scale, shift],
      exact: (a, w, b) =>
        alongAxes(a, [2, 3], (slice) => standardize(slice, 1e-5)).map(
          (v, i) => v * w[channelOf(i)] + b[channelOf(i)],
        ),
    },
  ],
  [
    'batch_norm',
    {
      op: 'batch_norm',
      attributes: { eps: 20, hasWeight: true, hasBias: true },
      inputs: [x, center, variance, scale, shift],
      exact: (a, m, s, w, b) =>
        a.map((v, i) => {
          const c = channelOf(i);
          return ((v - m[c]) / Math.sqrt(s[c] + 20)) * w[c] + b[c];
        }),
    },
  ],
  reduce('mean', [2, 3], mean),
  reduce('sum', [1], (slice) => mean(slice) * slice.length),
  reduce('max', [1], (slice) => Math.max(...slice)),
  reduce('min', [0, 3], (slice) => Math.min(...slice)),
]);

/**
 * Steps compute in float32 and round once: half a unit in the last of bfloat16's 8 digits, that is 2^-9 of a value. What
 * float32 itself loses (the last digits of sums and of the functions' polynomials, 2e-5 where they cancel) can move a
 * value across the middle of two, so a whole unit is allowed.
 */
function expectRounded(actual: Values, exact: Values): void {
  expect(actual).toHaveLength(exact.length);
  const wrong = actual.flatMap((value, i) =>
    Math.abs(value - exact[i]) <= 2e-5 + Math.abs(exact[i]) * 2 ** -8
      ? []
      : [`${i}: ${value}, not ${exact[i]}`],
  );
  expect(wrong).toEqual([]);
  // Nearly all are the nearest bfloat16: a step that rounds twice, or cuts off, has a quarter or more that are not.
  const nearest = actual.filter((value, i) => value === rounded(exact[i])).length;
  expect(nearest / actual.length).toBeGreaterThan(0.97);
}

describe.each(Object.entries(layouts))('bfloat16 to bfloat16, %s', (_, [from, to]) => {
  it.each(Object.entries(subjects))('%s', (_name, { op, attributes, inputs, shape = image, exact }) => {
    const layout = (extents: readonly number[]) =>
      extents.length === 1 ? rowMajorStrides(extents) : from(extents);
    const { results, implementation } = runStep(
      { op, attributes },
      inputs,
      [{ dtype: 'bfloat16', shape }],
      layout,
      to,
    );
    expectRounded(valuesOf(results[0]), exact(...inputs.map(valuesOf)));
    expect(implementation).not.toMatch(/(^|\+)ref/);
  });
});
