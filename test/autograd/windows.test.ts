import { describe, test } from 'vitest';
import type { Tensor } from '../../lib/tensor/index.ts';
import * as float64 from '../support/float64-layers.ts';
import { type GradientCase, nameOf, x } from '../support/gradients.ts';
import { checkLayer } from '../support/layer-gradients.ts';

interface Convolution {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly stride?: number;
  readonly padding?: number | 'same';
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

function convolution(c: Convolution): GradientCase {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = false } = c;
  const axes = c.weight.length - 2;
  const list = (value: number) => Array<number>(axes).fill(value);
  const total = c.weight.slice(2).map((k) => dilation * (k - 1));
  const geometry: float64.Geometry = {
    stride: list(stride),
    padding: padding === 'same' ? total.map((t) => Math.floor(t / 2)) : list(padding),
    paddingEnd: padding === 'same' ? total.map((t) => Math.ceil(t / 2)) : list(padding),
    dilation: list(dilation),
    groups,
  };
  return {
    target: `aten.conv${axes}d.${padding === 'same' ? 'padding' : 'default'}`,
    args: [
      x(...c.x),
      x(...c.weight),
      bias ? x(c.weight[0]) : null,
      list(stride),
      padding === 'same' ? 'same' : list(padding),
      list(dilation),
      groups,
    ],
    reference: ([input, weight, b]) => float64.convolution(input, weight, b, geometry),
  };
}

function transposed(c: Convolution & { readonly extra?: number }): GradientCase {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = false, extra = 0 } = c;
  const axes = c.weight.length - 2;
  const list = (value: number) => Array<number>(axes).fill(value);
  const geometry = {
    stride: list(stride),
    padding: list(padding as number),
    dilation: list(dilation),
    groups,
    extra: list(extra),
  };
  return {
    target: `aten.conv_transpose${axes}d.${axes === 1 ? 'default' : 'input'}`,
    args: [
      x(...c.x),
      x(...c.weight),
      bias ? x(c.weight[1] * groups) : null,
      geometry.stride,
      geometry.padding,
      geometry.extra,
      groups,
      geometry.dilation,
    ],
    reference: ([input, weight, b]) => float64.transposedConvolution(input, weight, b, geometry),
  };
}

const convolutions: readonly GradientCase[] = [
  ...[
    { x: [2, 3, 7, 6], weight: [4, 3, 3, 3], padding: 1, bias: true },
    { x: [1, 3, 7, 6], weight: [4, 3, 3, 2], stride: 2, padding: 1 },
    { x: [2, 4, 6, 7], weight: [6, 2, 3, 3], groups: 2, dilation: 2, padding: 2, bias: true },
    { x: [2, 16, 5, 5], weight: [16, 1, 3, 3], groups: 16, padding: 1, bias: true },
    { x: [2, 6, 5, 5], weight: [12, 1, 3, 3], groups: 6, stride: 2 },
    { x: [2, 16, 4, 4], weight: [32, 16, 1, 1] },
    { x: [1, 3, 6, 6], weight: [2, 3, 4, 3], padding: 'same' as const, bias: true },
    { x: [1, 2, 9, 9], weight: [3, 2, 3, 3], stride: 3, padding: 1 },
    { x: [2, 3, 9], weight: [4, 3, 3], stride: 2, padding: 1, bias: true },
    { x: [2, 4, 9], weight: [4, 1, 5], groups: 4, padding: 'same' as const },
    { x: [1, 2, 4, 5, 4], weight: [3, 2, 2, 3, 2], stride: 2, padding: 1, bias: true },
  ].map(convolution),
  ...[
    { x: [2, 3, 4, 5], weight: [3, 4, 3, 3], stride: 2, padding: 1, extra: 1, bias: true },
    { x: [1, 4, 4, 4], weight: [4, 2, 2, 2], groups: 2, stride: 2 },
    { x: [1, 2, 5], weight: [2, 3, 3], dilation: 2 },
    { x: [1, 2, 3, 3, 2], weight: [2, 2, 2, 2, 2], stride: 2 },
  ].map(transposed),
];

const maximum = (list: readonly number[]) => Math.max(...list);
const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

function pooling(
  kind: 'max' | 'avg',
  shape: readonly number[],
  {
    kernel,
    stride = kernel,
    padding = 0,
    dilation = 1,
    ceil = false,
    counts = true,
    divisor = null as number | null,
  }: {
    kernel: number;
    stride?: number;
    padding?: number;
    dilation?: number;
    ceil?: boolean;
    counts?: boolean;
    divisor?: number | null;
  },
): GradientCase {
  const axes = shape.length - 2;
  const list = (value: number) => Array<number>(axes).fill(value);
  const extents = shape.slice(2).map((extent) => {
    const steps = (extent + 2 * padding - dilation * (kernel - 1) - 1) / stride;
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    return ceil && (count - 1) * stride >= extent + padding ? count - 1 : count;
  });
  const places = (place: number) =>
    Array.from({ length: kernel }, (_, k) => place * stride - padding + k * dilation);
  // An average counts places in the padding, but none beyond it.
  const counted = (place: readonly number[]) =>
    place.reduce(
      (product, p, axis) => product * places(p).filter((at) => at < shape[2 + axis] + padding).length,
      1,
    );
  const reference = ([input]: readonly Tensor[]) => {
    const all = float64.windows(input, extents, places);
    if (kind === 'max') return all.map(maximum);
    const indexOf = (at: number) =>
      extents.map((extent, i) => Math.floor(at / extents.slice(i + 1).reduce((a, b) => a * b, 1)) % extent);
    return all.map(
      (window, at) => sum(window) / (divisor ?? (counts ? counted(indexOf(at)) : window.length)),
    );
  };
  const window = [list(kernel), list(stride), list(padding)];
  const rest = kind === 'max' ? [list(dilation), ceil] : [ceil, counts, ...(axes === 2 ? [divisor] : [])];
  return { target: `aten.${kind}_pool${axes}d.default`, args: [x(...shape), ...window, ...rest], reference };
}

function adaptive(shape: readonly number[], output: readonly number[]): GradientCase {
  const rangeOf = (place: number, axis: number) => {
    const extent = shape[2 + axis];
    const [begin, end] = [
      Math.floor((place * extent) / output[axis]),
      Math.ceil(((place + 1) * extent) / output[axis]),
    ];
    return Array.from({ length: end - begin }, (_, i) => begin + i);
  };
  return {
    target: `aten.adaptive_avg_pool${output.length}d.default`,
    args: [x(...shape), [...output]],
    reference: ([input]) => float64.windows(input, output, rangeOf).map((list) => sum(list) / list.length),
  };
}

const poolings: readonly GradientCase[] = [
  pooling('max', [2, 3, 6, 8], { kernel: 2 }),
  pooling('max', [1, 17, 5, 5], { kernel: 3, stride: 2, padding: 1 }),
  pooling('max', [1, 2, 9, 9], { kernel: 3, stride: 1, dilation: 2, padding: 1, ceil: true }),
  pooling('max', [1, 2, 9], { kernel: 3, stride: 2 }),
  pooling('avg', [2, 3, 6, 8], { kernel: 2 }),
  pooling('avg', [1, 17, 5, 5], { kernel: 3, stride: 2, padding: 1 }),
  pooling('avg', [1, 2, 8, 8], { kernel: 3, stride: 2, padding: 1, ceil: true, counts: false }),
  pooling('avg', [1, 2, 8, 8], { kernel: 3, stride: 3, ceil: true, divisor: 5 }),
  pooling('avg', [1, 2, 9], { kernel: 3, stride: 2, padding: 1 }),
  adaptive([2, 3, 7, 5], [1, 1]),
  adaptive([2, 3, 7, 5], [3, 2]),
  adaptive([2, 3, 7], [4]),
];

describe.each(Object.entries({ convolutions, poolings }))('gradients: %s', (_, list) => {
  test.each(list.map((each) => [nameOf(each), each] as const))('%s', (_name, each) => checkLayer(each));
});
