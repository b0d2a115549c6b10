import { describe, expect, test } from 'vitest';
import type { GraphModule } from '../../lib/graph/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { autocastTraining } from '../../lib/training/autocast.ts';
import * as float64 from '../support/float64-layers.ts';
import { type GradientCase, gradientsOf, nameOf, sampled, x } from '../support/gradients.ts';
import { build, execute } from '../support/run-plan.ts';
import { relativeError } from '../support/spatial.ts';

interface Convolution {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

function convolution(c: Convolution): GradientCase {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = c;
  const axes = c.weight.length - 2;
  const list = (value: number) => Array<number>(axes).fill(value);
  const geometry = { stride: list(stride), padding: list(padding), dilation: list(dilation), groups };
  return {
    target: `aten.conv${axes}d.default`,
    args: [x(...c.x), x(...c.weight), x(c.weight[0]), ...Object.values(geometry)],
    reference: ([input, weight, bias]) => float64.convolution(input, weight, bias, geometry),
  };
}

function transposed(c: Convolution & { readonly extra: number }): GradientCase {
  const { stride = 1, padding = 0, groups = 1 } = c;
  const list = (value: number) => Array<number>(c.weight.length - 2).fill(value);
  const [strides, paddings, extra, dilation] = [stride, padding, c.extra, 1].map(list);
  return {
    target: 'aten.conv_transpose2d.input',
    args: [x(...c.x), x(...c.weight), null, strides, paddings, extra, groups, dilation],
    reference: ([input, weight]) =>
      float64.transposedConvolution(input, weight, undefined, {
        ...{ stride: strides, padding: paddings, dilation, groups, extra },
      }),
  };
}

/** Rows of [..., length, width], and products of them in float64. */
const rowsOf = (tensor: Tensor): number[][] => {
  const width = tensor.shape.at(-1)!;
  const values = tensor.toArray() as number[];
  return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
};
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

/** One head. */
const attention = (keys: number, allowed: (at: number) => boolean) => (tensors: readonly Tensor[]) => {
  const [query, key, value] = tensors.map(rowsOf);
  return query.flatMap((row, i) => {
    const weights = key.map((other, k) =>
      allowed(i * keys + k) ? Math.exp(dot(row, other) / Math.sqrt(row.length)) : 0,
    );
    const total = weights.reduce((a, b) => a + b, 0);
    return value[0].map((_, at) => weights.reduce((sum, w, k) => sum + (w / total) * value[k][at], 0));
  });
};

const cases: readonly GradientCase[] = [
  ...[
    { x: [2, 3, 7, 6], weight: [4, 3, 3, 3], padding: 1 },
    { x: [1, 3, 7, 6], weight: [4, 3, 3, 2], stride: 2, padding: 1 },
    { x: [2, 4, 6, 7], weight: [6, 2, 3, 3], groups: 2, dilation: 2, padding: 2 },
    { x: [2, 16, 5, 5], weight: [16, 1, 3, 3], groups: 16, padding: 1 },
    { x: [2, 6, 5, 5], weight: [12, 1, 3, 3], groups: 6, stride: 2 },
    { x: [2, 16, 4, 4], weight: [32, 16, 1, 1] },
    { x: [2, 3, 9], weight: [4, 3, 3], stride: 2, padding: 1 },
    { x: [1, 2, 4, 5, 4], weight: [3, 2, 2, 3, 2], stride: 2, padding: 1 },
  ].map(convolution),
  ...[
    { x: [2, 3, 4, 5], weight: [3, 4, 3, 3], stride: 2, padding: 1, extra: 1 },
    { x: [1, 4, 4, 4], weight: [4, 2, 2, 2], groups: 2, stride: 2, extra: 0 },
  ].map(transposed),
  {
    target: 'aten.linear.default',
    args: [x(2, 3, 8), x(5, 8), x(5)],
    reference: ([input, weight, bias]) =>
      rowsOf(input).flatMap((row) =>
        rowsOf(weight).map((other, o) => dot(row, other) + (bias.toArray() as number[])[o]),
      ),
  },
  {
    target: 'aten.matmul.default',
    args: [x(2, 3, 4), x(4, 5)],
    reference: ([a, b]) => float64.product(a, b),
  },
  {
    target: 'aten.bmm.default',
    args: [x(2, 3, 4), x(2, 4, 5)],
    reference: ([a, b]) => float64.product(a, b),
  },
  {
    target: 'aten.scaled_dot_product_attention.default',
    args: [x(1, 1, 4, 6), x(1, 1, 5, 6), x(1, 1, 5, 3), null, 0, true],
    reference: attention(5, (at) => at % 5 <= Math.floor(at / 5)),
  },
];

const dtypesOf = ({ graph }: GraphModule) =>
  graph.nodes.map(({ meta: { val } }) => (val as { readonly dtype: string } | undefined)?.dtype);

describe('gradients in bfloat16', () => {
  test.each(cases.map((each) => [nameOf(each), each] as const))('%s', (_, each) => {
    const { module, inputs, actual, expected } = gradientsOf(each, 11, autocastTraining);
    expect(dtypesOf(module)).toContain('bfloat16');
    for (const gradients of [actual, execute(build(module), inputs)]) {
      expect(gradients.map(({ dtype }) => dtype)).toEqual(gradients.map(() => 'float32'));
      gradients.forEach((gradient, i) => {
        const error = relativeError(sampled(gradient), expected[i]);
        // Factors round to 2^-9 of themselves, once or, in attention, three times on the way.
        expect(error).toBeLessThan(3 * 2 ** -8);
      });
    }
    const errors = actual.map((gradient, i) => relativeError(sampled(gradient), expected[i]));
    expect(Math.max(...errors)).toBeGreaterThan(1e-4);
  });
});
