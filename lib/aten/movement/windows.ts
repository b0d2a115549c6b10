import {
  type Arguments,
  addDims,
  type Dim,
  floorDivDims,
  isAtMost,
  maxDims,
  minDims,
  mulDims,
  subDims,
} from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { axisOf, positive, replaced, type Shaped, without } from './strided.ts';

/** The two axes of a diagonal. */
function diagonalAxes(args: Arguments<Shaped>): [number, number] {
  const [a, b] = [axisOf(args, 'dim1'), axisOf(args, 'dim2')];
  if (a === b) throw new Error(`${args.schema.name}: dim1 and dim2 are both axis ${a}`);
  return [a, b];
}

/** Windows along an axis: how many of that size fit, `step` apart. */
function unfoldedCount(args: Arguments<Shaped>): Dim {
  const { name } = args.schema;
  const extent =
    args.tensor('self').shape[
      normalizeAxis(args.number('dimension'), args.tensor('self').shape.length, name)
    ];
  const size = args.number('size');
  if (size < 0 || isAtMost(size, extent, args.ranges) === false)
    throw new Error(`${name}: windows of ${size} do not fit an extent of ${extent}`);
  return addDims(floorDivDims(subDims(extent, size), positive(args, 'step')), 1);
}

const unfoldedAxis = (args: Arguments<Shaped>): number => axisOf(args, 'dimension');

/** Windows of images: how many fit along one of their axes. */
function windowCounts(args: Arguments<Shaped>): readonly Dim[] {
  const { name } = args.schema;
  const { shape } = args.tensor('self');
  if (shape.length !== 4)
    throw new Error(`${name}: the input must be [N, C, H, W], got [${shape.join(', ')}]`);
  const [kernel, dilation, stride] = ['kernel_size', 'dilation', 'stride'].map((what) => {
    const values = args.numbers(what);
    if (values.length !== 2 || values.some((value) => value < 1))
      throw new Error(`${name}: '${what}' must be two positive numbers, got [${values.join(', ')}]`);
    return values;
  });
  return [0, 1].map((i) => {
    const rest = subDims(shape[2 + i], dilation[i] * (kernel[i] - 1) + 1);
    if (isAtMost(rest, -1, args.ranges))
      throw new Error(
        `${name}: windows of [${kernel.join(', ')}] do not fit images of [${shape.slice(2).join(', ')}]`,
      );
    return addDims(floorDivDims(rest, stride[i]), 1);
  });
}

/** The sizes and strides of a view of a row of elements. @throws Error if it reads what is not in the row. */
function strideView(args: Arguments<Shaped>): { size: readonly Dim[]; stride: readonly Dim[]; first: Dim } {
  const { name } = args.schema;
  const { shape } = args.tensor('self');
  const [size, stride] = [args.dims('size'), args.dims('stride')];
  const first = args.isNone('storage_offset') ? 0 : args.dim('storage_offset');
  if (shape.length !== 1)
    throw new Error(
      `${name}: a view of a tensor of ${shape.length} extents is supported of its flattened form`,
    );
  if (size.length !== stride.length)
    throw new Error(`${name}: ${size.length} sizes and ${stride.length} strides were given`);
  const last = addDims(first, ...size.map((extent, i) => mulDims(subDims(extent, 1), stride[i])));
  const isEmpty = size.some((extent) => extent === 0);
  if (!isEmpty && isAtMost(shape[0], last, args.ranges))
    throw new Error(
      `${name}: sizes [${size.join(', ')}] under strides [${stride.join(', ')}] from ${first} on read beyond ${shape[0]} elements`,
    );
  return { size, stride, first: isEmpty ? 0 : first };
}

/** Operators that read a tensor along other lines: overlapping windows, diagonals. */
export const windows: readonly OperatorDefinition[] = [
  {
    schema: 'aten::unfold(Tensor(a) self, int dimension, SymInt size, SymInt step) -> Tensor(a)',
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      return {
        dtype,
        shape: [...replaced(shape, unfoldedAxis(args), unfoldedCount(args)), args.number('size')],
      };
    },
    strided: ({ shape, strides }, args) => {
      const axis = unfoldedAxis(args);
      return {
        shape: [...replaced(shape, axis, unfoldedCount(args) as number), args.number('size')],
        strides: [...replaced(strides, axis, strides[axis] * args.number('step')), strides[axis]],
        offset: 0,
      };
    },
  },
  {
    schema:
      'aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)',
    infer: (args) => ({ dtype: args.tensor('self').dtype, shape: strideView(args).size }),
    strided: ({ strides: [step] }, args) => {
      const { size, stride, first } = strideView(args);
      return {
        shape: size as number[],
        strides: (stride as number[]).map((one) => one * step),
        offset: (first as number) * step,
      };
    },
  },
  {
    schema: 'aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)',
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const [a, b] = diagonalAxes(args);
      const offset = args.number('offset');
      const [rows, columns] = [
        subDims(shape[a], Math.max(-offset, 0)),
        subDims(shape[b], Math.max(offset, 0)),
      ];
      const length = maxDims(minDims(rows, columns, args.ranges), 0, args.ranges);
      return { dtype, shape: [...shape.filter((_, i) => i !== a && i !== b), length] };
    },
    strided: ({ shape, strides }, args) => {
      const [a, b] = diagonalAxes(args);
      const offset = args.number('offset');
      const length = Math.max(Math.min(shape[a] - Math.max(-offset, 0), shape[b] - Math.max(offset, 0)), 0);
      const first = Math.max(-offset, 0) * strides[a] + Math.max(offset, 0) * strides[b];
      const others = <T>(list: readonly T[]) => without(without(list, Math.max(a, b)), Math.min(a, b));
      return {
        shape: [...others(shape), length],
        strides: [...others(strides), strides[a] + strides[b]],
        offset: length > 0 ? first : 0,
      };
    },
  },
  {
    /** Windows of images: [N, C, H, W] as [N, C, KH, KW, H', W'], one window at each of the last positions. */
    schema:
      'octavo::windows(Tensor(a) self, int[2] kernel_size, int[2] dilation, int[2] stride) -> Tensor(a)',
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      return { dtype, shape: [...shape.slice(0, 2), ...args.numbers('kernel_size'), ...windowCounts(args)] };
    },
    strided: ({ shape, strides }, args) => {
      const [dilation, stride] = [args.numbers('dilation'), args.numbers('stride')];
      return {
        shape: [...shape.slice(0, 2), ...args.numbers('kernel_size'), ...(windowCounts(args) as number[])],
        strides: [
          ...strides.slice(0, 2),
          ...dilation.map((step, i) => step * strides[2 + i]),
          ...stride.map((step, i) => step * strides[2 + i]),
        ],
        offset: 0,
      };
    },
  },
];
