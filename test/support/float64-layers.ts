// Layers in float64, written down as their definitions, for any number of extents.
import { Tensor } from '../../lib/tensor/index.ts';
import { elementAt, forEachIndex } from './spatial.ts';

type Values = readonly number[];

const valuesOf = (tensor: Tensor): Values => tensor.toArray() as number[];

export interface Geometry {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly paddingEnd?: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** [N, C, ...] with [O, C / groups, ...]. */
export function convolution(x: Tensor, weight: Tensor, bias: Tensor | undefined, g: Geometry): number[] {
  const { stride, padding, paddingEnd = padding, dilation, groups } = g;
  const [inputs, outputs] = [weight.shape[1], weight.shape[0] / groups];
  const kernel = weight.shape.slice(2);
  const extents = kernel.map((k, i) => {
    const span = dilation[i] * (k - 1) + 1;
    return Math.floor((x.shape[2 + i] + padding[i] + paddingEnd[i] - span) / stride[i]) + 1;
  });
  const [xs, ws] = [valuesOf(x), valuesOf(weight)];
  const out: number[] = [];
  forEachIndex([x.shape[0], weight.shape[0], ...extents], ([image, channel, ...place], at) => {
    let sum = bias ? valuesOf(bias)[channel] : 0;
    const group = Math.floor(channel / outputs);
    forEachIndex([inputs, ...kernel], ([input, ...offset]) => {
      const position = place.map((p, i) => p * stride[i] - padding[i] + offset[i] * dilation[i]);
      sum +=
        elementAt(xs, x, [image, group * inputs + input, ...position]) *
        elementAt(ws, weight, [channel, input, ...offset]);
    });
    out[at] = sum;
  });
  return out;
}

/** [N, C, ...] with [C, O / groups, ...]: every input is spread over the places of the kernel. */
export function transposedConvolution(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  g: Geometry & { readonly extra: readonly number[] },
): number[] {
  const { stride, padding, dilation, groups, extra } = g;
  const kernel = weight.shape.slice(2);
  const [inputs, outputs] = [weight.shape[0] / groups, weight.shape[1]];
  const extents = kernel.map(
    (k, i) => (x.shape[2 + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (k - 1) + extra[i] + 1,
  );
  const shape = [x.shape[0], groups * outputs, ...extents];
  const out = Tensor.zeros('float64', shape);
  const sums = valuesOf(out).slice();
  const at = (index: Values) => index.reduce((sum, i, axis) => sum * shape[axis] + i, 0);
  const [xs, ws] = [valuesOf(x), valuesOf(weight)];
  forEachIndex(x.shape, ([image, channel, ...place], from) => {
    const group = Math.floor(channel / inputs);
    forEachIndex([outputs, ...kernel], ([output, ...offset]) => {
      const position = place.map((p, i) => p * stride[i] - padding[i] + offset[i] * dilation[i]);
      if (position.some((p, i) => p < 0 || p >= extents[i])) return;
      sums[at([image, group * outputs + output, ...position])] +=
        xs[from] * elementAt(ws, weight, [channel, output, ...offset]);
    });
  });
  if (bias)
    forEachIndex(shape, (index, i) => {
      sums[i] += valuesOf(bias)[index[1]];
    });
  return sums;
}

/** What lies under a pooling's windows, for each result. */
export function windows(
  x: Tensor,
  extents: readonly number[],
  rangeOf: (place: number, axis: number) => readonly number[],
): number[][] {
  const xs = valuesOf(x);
  const out: number[][] = [];
  forEachIndex([...x.shape.slice(0, 2), ...extents], ([image, channel, ...place], at) => {
    const ranges = place.map((p, axis) =>
      rangeOf(p, axis).filter((position) => position >= 0 && position < x.shape[2 + axis]),
    );
    out[at] = [];
    forEachIndex(
      ranges.map((range) => range.length),
      (index) => {
        const position = index.map((i, axis) => ranges[axis][i]);
        out[at].push(elementAt(xs, x, [image, channel, ...position]));
      },
    );
  });
  return out;
}

/** (x - mean) / sqrt(variance + eps) * weight + bias, over the elements that `group` puts together. */
export function normalization(
  x: Tensor,
  eps: number,
  groupOf: (index: readonly number[]) => number,
  affine: (index: readonly number[], normalized: number) => number,
): number[] {
  const xs = valuesOf(x);
  const groups = new Map<number, number[]>();
  forEachIndex(x.shape, (index, at) => {
    const group = groupOf(index);
    groups.set(group, [...(groups.get(group) ?? []), xs[at]]);
  });
  const mean = (list: Values) => list.reduce((a, b) => a + b, 0) / list.length;
  const statistics = new Map(
    [...groups].map(([group, list]) => {
      const average = mean(list);
      return [group, { average, deviation: Math.sqrt(mean(list.map((v) => (v - average) ** 2)) + eps) }];
    }),
  );
  const out: number[] = [];
  forEachIndex(x.shape, (index, at) => {
    const { average, deviation } = statistics.get(groupOf(index))!;
    out[at] = affine(index, (xs[at] - average) / deviation);
  });
  return out;
}

/** e^x / sum(e^x) along an axis. */
export function softmax(x: Tensor, axis: number): number[] {
  const xs = valuesOf(x);
  const sums = new Map<string, number>();
  const key = (index: readonly number[]) => String(index.with(axis, 0));
  forEachIndex(x.shape, (index, at) => {
    sums.set(key(index), (sums.get(key(index)) ?? 0) + Math.exp(xs[at]));
  });
  const out: number[] = [];
  forEachIndex(x.shape, (index, at) => {
    out[at] = Math.exp(xs[at]) / sums.get(key(index))!;
  });
  return out;
}

/** A product of matrices [..., M, K] and [..., K, N], batches broadcast, vectors as `torch.matmul` has them. */
export function product(a: Tensor, b: Tensor): number[] {
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const rank = Math.max(left.length, right.length);
  const batch = Array.from({ length: rank - 2 }, (_, i) =>
    Math.max(left.at(i - rank) ?? 1, right.at(i - rank) ?? 1),
  );
  const read = (values: Values, shape: readonly number[], index: readonly number[]) => {
    const own = index.slice(index.length - shape.length).map((i, axis) => (shape[axis] === 1 ? 0 : i));
    return elementAt(values, { shape }, own);
  };
  const [as, bs] = [valuesOf(a), valuesOf(b)];
  const out: number[] = [];
  forEachIndex([...batch, left.at(-2)!, right.at(-1)!], (index, at) => {
    const [row, column] = index.slice(-2);
    const lead = index.slice(0, -2);
    out[at] = 0;
    for (let k = 0; k < left.at(-1)!; k++)
      out[at] += read(as, left, [...lead, row, k]) * read(bs, right, [...lead, k, column]);
  });
  return out;
}
