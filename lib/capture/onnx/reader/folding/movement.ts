import { addDims, type Dim, maxDims, minDims, mulDims } from '../../../../graph/index.ts';
import { numelOf, rowMajorStrides } from '../../../../tensor/index.ts';
import { axesOf, splitSizes } from '../forms.ts';
import { broadcast, broadcastStrides, extremum, type Sized } from './arithmetic.ts';
import type { FoldCall, Folder } from './call.ts';
import { checkModest, type Elements, forEachIndex, offsetOf } from './elements.ts';

function axisIn(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= Math.max(rank, 1))
    throw new Error(`the axis ${axis} is out of range for ${rank} dimensions`);
  return positive;
}

/** The elements of an input as numbers; undefined where one is a size. */
function numbersOf(input: Elements | undefined): readonly number[] | undefined {
  return input?.values.every((value) => typeof value === 'number')
    ? (input.values as readonly number[])
    : undefined;
}

/** A tensor whose elements are those of another one at other places. */
function gathered(
  input: Elements,
  shape: readonly number[],
  at: (index: readonly number[]) => number,
): Elements {
  checkModest(shape, input.values.length);
  const values: Dim[] = [];
  forEachIndex(shape, (index) => values.push(input.values[at(index)]));
  return { dtype: input.dtype, shape, values };
}

const gather: Folder = ({ inputs: [data, indices], attributes }) => {
  const positions = numbersOf(indices);
  if (!positions) return undefined;
  const { shape } = data!;
  const axis = axisIn(attributes.int('axis', 0), shape.length);
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
  const at = { shape: indices!.shape, strides: rowMajorStrides(indices!.shape) };
  const strides = rowMajorStrides(shape);
  return gathered(data!, [...before, ...at.shape, ...after], (index) => {
    const inner = index.slice(axis, axis + at.shape.length);
    const position = positions[offsetOf(inner, at.strides)];
    const from = position < 0 ? position + shape[axis] : position;
    if (from < 0 || from >= shape[axis])
      throw new Error(`the index ${position} is out of range for an extent of ${shape[axis]}`);
    const source = [...index.slice(0, axis), from, ...index.slice(axis + at.shape.length)];
    return offsetOf(source, strides);
  });
};

const concat: Folder = ({ inputs, attributes }) => {
  const parts = inputs.map((input) => input!);
  const [{ dtype, shape }] = parts;
  const axis = axisIn(attributes.int('axis', 1), shape.length);
  const fits = (other: readonly number[]) =>
    other.length === shape.length && other.every((extent, i) => i === axis || extent === shape[i]);
  if (!parts.every((part) => fits(part.shape))) return undefined;
  const outer = numelOf(shape.slice(0, axis));
  const values: Dim[] = [];
  for (let row = 0; row < outer; row++)
    for (const part of parts) {
      const size = numelOf(part.shape.slice(axis));
      for (let i = 0; i < size; i++) values.push(part.values[row * size + i]);
    }
  const extent = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const joined = shape.map((each, i) => (i === axis ? extent : each));
  if (numelOf(joined) !== values.length) throw new Error(`the parts do not fit along axis ${axis}`);
  return { dtype, shape: joined, values };
};

/** Where a slice begins, how many elements it has. */
export function sliceRange(
  extent: number,
  start: number,
  end: number,
  step: number,
): { from: number; count: number } {
  if (step === 0) throw new Error('a step of 0');
  const clamp = (at: number, low: number, high: number) =>
    Math.min(Math.max(at < 0 ? at + extent : at, low), high);
  const [from, to] =
    step > 0
      ? [clamp(start, 0, extent), clamp(end, 0, extent)]
      : [clamp(start, -1, extent - 1), end <= -extent - 1 ? -1 : clamp(end, -1, extent - 1)];
  return { from, count: Math.max(0, Math.ceil((to - from) / step)) };
}

const slice: Folder = (call) => {
  const { inputs, attributes, opset } = call;
  const [data] = inputs;
  const rank = data!.shape.length;
  const lists =
    opset < 10
      ? [attributes.ints('starts'), attributes.ints('ends'), attributes.ints('axes', []), undefined]
      : [1, 2, 3, 4].map((i) => (inputs[i] ? numbersOf(inputs[i]) : i > 2 ? [] : undefined));
  const [starts, ends, axes] = lists;
  if (!starts || !ends || !axes || (opset >= 10 && !lists[3])) return undefined;
  const steps = lists[3] ?? [];
  const ranges = data!.shape.map((extent) => ({ from: 0, count: extent, step: 1 }));
  for (const [i, start] of starts.entries()) {
    const axis = axisIn(axes[i] ?? i, rank);
    const step = steps[i] ?? 1;
    ranges[axis] = { ...sliceRange(data!.shape[axis], start, ends[i], step), step };
  }
  const strides = rowMajorStrides(data!.shape);
  return gathered(
    data!,
    ranges.map(({ count }) => count),
    (index) =>
      index.reduce((at, i, axis) => at + (ranges[axis].from + i * ranges[axis].step) * strides[axis], 0),
  );
};

const reshaped = ({ dtype, values }: Elements, shape: readonly number[]): Elements => ({
  dtype,
  shape,
  values,
});

const unsqueeze: Folder = (call) => {
  const [data] = call.inputs;
  const axes = axesOf(call, numbersOf(call.inputs[1]), 13);
  if (!axes) return undefined;
  const rank = data!.shape.length + axes.length;
  const added = new Set(axes.map((axis) => axisIn(axis, rank)));
  const rest = [...data!.shape];
  return reshaped(
    data!,
    Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!)),
  );
};

const squeeze: Folder = (call) => {
  const [data, given] = call.inputs;
  if (given && !numbersOf(given)) return undefined;
  const { shape } = data!;
  const axes = axesOf(call, numbersOf(given), 13)?.map((axis) => axisIn(axis, shape.length));
  return reshaped(
    data!,
    shape.filter((extent, axis) => (axes ? !axes.includes(axis) : extent !== 1)),
  );
};

const reshape: Folder = ({ inputs: [data, target], attributes }) => {
  const wanted = numbersOf(target) ?? (target ? undefined : attributes.ints('shape'));
  if (!wanted) return undefined;
  const copied = wanted.map((extent, axis) =>
    extent === 0 && attributes.int('allowzero', 0) === 0 ? data!.shape[axis] : extent,
  );
  const known = numelOf(copied.filter((extent) => extent !== -1));
  const shape = copied.map((extent) => (extent === -1 ? data!.values.length / known : extent));
  if (numelOf(shape) !== data!.values.length)
    throw new Error(`[${data!.shape.join(', ')}] has other elements than [${wanted.join(', ')}]`);
  return reshaped(data!, shape);
};

const transpose: Folder = ({ inputs: [data], attributes }) => {
  const { shape } = data!;
  const order = attributes
    .ints('perm', [...shape.keys()].reverse())
    .map((axis) => axisIn(axis, shape.length));
  const strides = rowMajorStrides(shape);
  return gathered(
    data!,
    order.map((axis) => shape[axis]),
    (index) => order.reduce((at, axis, i) => at + index[i] * strides[axis], 0),
  );
};

const expand: Folder = ({ inputs: [data, target] }) => {
  const wanted = numbersOf(target);
  if (!wanted) return undefined;
  const shape = broadcast([data!.shape, wanted]);
  const strides = broadcastStrides(data!.shape, shape);
  return gathered(data!, shape, (index) => offsetOf(index, strides));
};

const tile: Folder = ({ inputs: [data, repeats] }) => {
  const counts = numbersOf(repeats);
  if (!counts) return undefined;
  const strides = rowMajorStrides(data!.shape);
  return gathered(
    data!,
    data!.shape.map((extent, axis) => extent * counts[axis]),
    (index) => index.reduce((at, i, axis) => at + (i % data!.shape[axis]) * strides[axis], 0),
  );
};

const split: Folder = (call) => {
  const [data, sizes] = call.inputs;
  const axis = axisIn(call.attributes.int('axis', 0), data!.shape.length);
  const parts = splitSizes(call, data!.shape[axis], sizes && numbersOf(sizes));
  const strides = rowMajorStrides(data!.shape);
  let from = 0;
  return parts?.map((part) => {
    const begin = from;
    from += part;
    return gathered(
      data!,
      data!.shape.map((extent, i) => (i === axis ? part : extent)),
      (index) => offsetOf(index, strides) + begin * strides[axis],
    );
  });
};

/** Reductions of integers to their sum, product, least or greatest. */
const reduce =
  (combine: (a: Dim, b: Dim, sized: Sized) => Dim, empty: number, inputSince: number): Folder =>
  (call) => {
    const [data, given] = call.inputs;
    if (given && !numbersOf(given)) return undefined;
    const { shape, dtype } = data!;
    const named = axesOf(call, numbersOf(given), inputSince) ?? [];
    if (named.length === 0 && call.attributes.int('noop_with_empty_axes', 0) === 1) return data;
    const axes = named.length > 0 ? named.map((axis) => axisIn(axis, shape.length)) : [...shape.keys()];
    const sized: Sized = { ranges: call.ranges, dtype, call };
    const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    const strides = rowMajorStrides(kept).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
    const source = rowMajorStrides(shape);
    const values: (Dim | undefined)[] = Array(numelOf(kept)).fill(undefined);
    forEachIndex(shape, (index) => {
      const at = offsetOf(index, strides);
      const value = data!.values[offsetOf(index, source)];
      values[at] = values[at] === undefined ? value : combine(values[at], value, sized);
    });
    const keeps = call.attributes.int('keepdims', 1) === 1;
    return {
      dtype,
      shape: keeps ? kept : kept.filter((_, axis) => !axes.includes(axis)),
      values: values.map((value) => value ?? empty),
    };
  };

/** The elements of a list that is counted through: `start`, `start + step`, and so on up to `limit`. */
const range: Folder = ({ inputs: [start, limit, step] }: FoldCall) => {
  const [from, to, by] = [start, limit, step].map((input) => numbersOf(input)?.[0]);
  if (from === undefined || to === undefined || by === undefined) return undefined;
  if (by === 0) throw new Error('a step of 0');
  const count = Math.max(0, Math.ceil((to - from) / by));
  checkModest([count], 0);
  return {
    dtype: start!.dtype,
    shape: [count],
    values: Array.from({ length: count }, (_, i) => from + i * by),
  };
};

/** One triangle of a matrix; the rest is 0. */
const triangle: Folder = ({ inputs: [data, diagonal], attributes }) => {
  const shift = diagonal ? numbersOf(diagonal)?.[0] : 0;
  if (shift === undefined) return undefined;
  const isUpper = attributes.int('upper', 1) === 1;
  const { dtype, shape, values } = data!;
  const [rows, columns] = shape.slice(-2);
  const kept = values.map((value, i) => {
    const above = (i % columns) - (Math.floor(i / columns) % rows) - shift;
    return (isUpper ? above >= 0 : above <= 0) ? value : 0;
  });
  return { dtype, shape, values: kept };
};

/** Operators that move or join what is known when a file is read. */
export const movementFolders: Readonly<Record<string, Folder>> = {
  Gather: gather,
  Concat: concat,
  Slice: slice,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Reshape: reshape,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Split: split,
  Range: range,
  Trilu: triangle,
  ReduceSum: reduce((a, b) => addDims(a, b), 0, 13),
  ReduceProd: reduce((a, b) => mulDims(a, b), 1, 18),
  ReduceMax: reduce(extremum(Math.max, maxDims, 'torch.sym_max'), Number.POSITIVE_INFINITY, 18),
  ReduceMin: reduce(extremum(Math.min, minDims, 'torch.sym_min'), Number.POSITIVE_INFINITY, 18),
};
