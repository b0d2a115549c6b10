import { describe, test } from 'vitest';
import type { Tensor } from '../../lib/tensor/index.ts';
import * as float64 from '../support/float64-layers.ts';
import { fixed, type GradientCase, nameOf, within, x } from '../support/gradients.ts';
import { checkLayer } from '../support/layer-gradients.ts';

const value = (tensor: Tensor | undefined, index: number, otherwise: number) =>
  tensor ? (tensor.toArray()[index] as number) : otherwise;

function batchNorm(shape: readonly number[], affine: boolean): GradientCase {
  const channels = shape[1];
  return {
    target: 'aten._native_batch_norm_legit_functional.default',
    args: [
      x(...shape),
      affine ? within(0.5, 2, channels) : null,
      affine ? x(channels) : null,
      fixed(-1, 1, channels),
      fixed(0.5, 2, channels),
      true,
      0.1,
      1e-3,
    ],
    results: [0],
    reference: ([input, ...rest]) => {
      const [weight, bias] = affine ? rest : [];
      return float64.normalization(
        input,
        1e-3,
        (index) => index[1],
        (index, z) => z * value(weight, index[1], 1) + value(bias, index[1], 0),
      );
    },
  };
}

function batchNormByRunningStatistics(shape: readonly number[]): GradientCase {
  const channels = shape[1];
  return {
    target: 'aten.batch_norm.default',
    args: [
      x(...shape),
      within(0.5, 2, channels),
      x(channels),
      fixed(-1, 1, channels),
      fixed(0.5, 2, channels),
      false,
      0.1,
      1e-3,
      true,
    ],
    reference: ([input, weight, bias, mean, variance]) => {
      const inner = shape.slice(2).reduce((a, b) => a * b, 1);
      return (input.toArray() as number[]).map((v, at) => {
        const c = Math.floor(at / inner) % channels;
        const deviation = Math.sqrt(value(variance, c, 1) + 1e-3);
        return ((v - value(mean, c, 0)) / deviation) * value(weight, c, 1) + value(bias, c, 0);
      });
    },
  };
}

function layerNorm(shape: readonly number[], last: number, affine: boolean): GradientCase {
  const normalized = shape.slice(shape.length - last);
  const count = normalized.reduce((a, b) => a * b, 1);
  const place = (index: readonly number[]) =>
    index.slice(shape.length - last).reduce((sum, i, axis) => sum * normalized[axis] + i, 0);
  const group = (index: readonly number[]) =>
    index.slice(0, shape.length - last).reduce((sum, i, axis) => sum * shape[axis] + i, 0);
  return {
    target: 'aten.layer_norm.default',
    args: [
      x(...shape),
      normalized,
      affine ? within(0.5, 2, ...normalized) : null,
      affine ? x(...normalized) : null,
      1e-3,
    ],
    reference: ([input, weight, bias]) =>
      float64.normalization(
        input,
        1e-3,
        group,
        (index, z) => z * value(weight, place(index) % count, 1) + value(bias, place(index) % count, 0),
      ),
  };
}

const softmaxOf = (shape: readonly number[], dim: number): GradientCase[] => {
  const axis = dim < 0 ? dim + shape.length : dim;
  return [
    {
      target: 'aten.softmax.int',
      args: [x(...shape), dim],
      reference: ([input]) => float64.softmax(input, axis),
    },
    {
      target: 'aten.log_softmax.int',
      args: [x(...shape), dim],
      reference: ([input]) => float64.softmax(input, axis).map(Math.log),
    },
  ];
};

const normalizations: readonly GradientCase[] = [
  batchNorm([3, 4, 3, 5], true),
  batchNorm([2, 33, 2, 2], false),
  batchNorm([5, 7], true),
  batchNorm([3, 4, 6], true),
  batchNormByRunningStatistics([2, 3, 4, 2]),
  batchNormByRunningStatistics([4, 3]),
  layerNorm([3, 8], 1, true),
  layerNorm([2, 3, 4], 2, true),
  layerNorm([2, 3, 5], 1, false),
  ...softmaxOf([3, 5], -1),
  ...softmaxOf([2, 3, 4], 1),
];

const matmul = (target: string, a: readonly number[], b: readonly number[]): GradientCase => ({
  target,
  args: [x(...a), x(...b)],
  reference: ([left, right]) => float64.product(left, right),
});

const added = (target: string, a: readonly number[], b: readonly number[]): GradientCase => ({
  target,
  args: [x(b.at(-1)!), x(...a), x(...b)],
  kwargs: { beta: 0.5, alpha: 2 },
  reference: ([c, left, right]) =>
    float64.product(left, right).map((sum, i) => 2 * sum + 0.5 * value(c, i % b.at(-1)!, 0)),
});

function linear(input: readonly number[], outputs: number, bias: boolean): GradientCase {
  const width = input.at(-1)!;
  return {
    target: 'aten.linear.default',
    args: [x(...input), x(outputs, width), bias ? x(outputs) : null],
    reference: ([a, weight, b]) => {
      const [rows, ws] = [a.toArray() as number[], weight.toArray() as number[]];
      return Array.from({ length: (rows.length / width) * outputs }, (_, at) => {
        const [row, o] = [Math.floor(at / outputs), at % outputs];
        let total = value(b, o, 0);
        for (let k = 0; k < width; k++) total += rows[row * width + k] * ws[o * width + k];
        return total;
      });
    },
  };
}

const products: readonly GradientCase[] = [
  linear([5, 7], 3, true),
  linear([2, 3, 8], 16, true),
  linear([4, 6], 2, false),
  matmul('aten.mm.default', [3, 4], [4, 5]),
  matmul('aten.bmm.default', [2, 3, 4], [2, 4, 5]),
  matmul('aten.matmul.default', [2, 3, 4], [4, 5]),
  matmul('aten.matmul.default', [3, 4], [2, 4, 5]),
  matmul('aten.matmul.default', [2, 1, 3, 4], [3, 4, 2]),
  matmul('aten.matmul.default', [3, 4], [4]),
  matmul('aten.matmul.default', [4], [4, 3]),
  matmul('aten.matmul.default', [4], [2, 4, 3]),
  matmul('aten.matmul.default', [2, 3, 4], [4]),
  // A vector times itself.
  (() => {
    const v = x(4);
    const reference: GradientCase['reference'] = ([a]) => float64.product(a, a);
    return { target: 'aten.matmul.default', args: [v, v], reference };
  })(),
  added('aten.addmm.default', [3, 4], [4, 5]),
  added('aten.baddbmm.default', [2, 3, 4], [2, 4, 5]),
];

describe.each(Object.entries({ normalizations, products }))('gradients: %s', (_, list) => {
  test.each(list.map((each) => [nameOf(each), each] as const))('%s', (_name, each) => checkLayer(each));
});
