import { type Arguments, type Dim, dimsEqual, staticDim } from '../graph/index.ts';
import type { OperatorDefinition, StridedDefinition, StridedLike, StridedView } from './registry.ts';
import { broadcastShapes, normalizeAxis } from './shape-rules.ts';

/** What shape rules need of a tensor: of a plan's value as of a meta. */
interface Shaped {
  readonly shape: readonly Dim[];
}

const replaced = <T>(list: readonly T[], at: number, item: T): T[] =>
  list.map((old, i) => (i === at ? item : old));

const axisOf = (args: Arguments<Shaped>): number =>
  normalizeAxis(args.number('dim'), args.tensor('self').shape.length, args.schema.name);

/** Extents in another order. */
function permutation(
  schema: string,
  order: (rank: number, args: Arguments<Shaped>) => readonly number[],
): StridedDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      return { dtype, shape: order(shape.length, args).map((axis) => shape[axis]) };
    },
    strided: ({ shape, strides }, args) => {
      const axes = order(shape.length, args);
      return {
        shape: axes.map((axis) => shape[axis]),
        strides: axes.map((axis) => strides[axis]),
        offset: 0,
      };
    },
  };
}

function permuteOrder(rank: number, args: Arguments<Shaped>): number[] {
  const { name } = args.schema;
  const order = args.numbers('dims').map((axis) => normalizeAxis(axis, rank, name));
  if (order.length !== rank || new Set(order).size !== rank)
    throw new Error(`${name}: [${order.join(', ')}] does not name each of ${rank} extents once`);
  return order;
}

function transposeOrder(rank: number, args: Arguments<Shaped>): number[] {
  const a = normalizeAxis(args.number('dim0'), rank, args.schema.name);
  const b = normalizeAxis(args.number('dim1'), rank, args.schema.name);
  return Array.from({ length: rank }, (_, i) => (i === a ? b : i === b ? a : i));
}

function matrixTransposeOrder(rank: number, args: Arguments<Shaped>): number[] {
  if (rank > 2) throw new Error(`${args.schema.name}: at most 2 extents are allowed, the tensor has ${rank}`);
  return rank === 2 ? [1, 0] : rank === 1 ? [0] : [];
}

/** A range of positions along an axis. */
function narrow(input: StridedLike, axis: number, start: number, length: number, step = 1): StridedView {
  const { shape, strides } = input;
  return {
    shape: replaced(shape, axis, length),
    strides: replaced(strides, axis, strides[axis] * step),
    offset: length > 0 ? start * strides[axis] : 0,
  };
}

type PartSizes = (extent: number, args: Arguments<Shaped>) => readonly number[];

/** Parts of a tensor along an axis. */
function split(schema: string, sizes: PartSizes): StridedDefinition {
  return {
    schema,
    infer: (args) => {
      const { name } = args.schema;
      const { dtype, shape } = args.tensor('self');
      const axis = axisOf(args);
      const extent = staticDim(shape[axis], name);
      const parts = sizes(extent, args);
      if (parts.some((part) => part < 0) || parts.reduce((a, b) => a + b, 0) !== extent)
        throw new Error(`${name}: parts of [${parts.join(', ')}] do not make an extent of ${extent}`);
      return parts.map((part) => ({ dtype, shape: replaced(shape, axis, part) }));
    },
    strided: (input, args) => {
      const axis = axisOf(args);
      let start = 0;
      return sizes(input.shape[axis], args).map((length) => {
        const part = narrow(input, axis, start, length);
        start += length;
        return part;
      });
    },
  };
}

/** Parts of `size`, the last one of what is left. */
function partsOf(extent: number, size: number): number[] {
  const count = Math.max(Math.ceil(extent / size), 1);
  return Array.from({ length: count }, (_, i) => Math.min(size, extent - i * size));
}

function positive(args: Arguments<Shaped>, name: string): number {
  const value = args.number(name);
  if (value < 1) throw new Error(`${args.schema.name}: '${name}' must be positive, got ${value}`);
  return value;
}

interface Range {
  readonly axis: number;
  readonly start: number;
  readonly length: Dim;
  readonly step: number;
}

/** PyTorch's slicing: bounds count from the end where negative, and are cut to the extent. */
function rangeOf(args: Arguments<Shaped>): Range {
  const axis = axisOf(args);
  const extent = args.tensor('self').shape[axis];
  const step = positive(args, 'step');
  const start = args.optionalNumber('start') ?? 0;
  const end = args.optionalNumber('end') ?? Number.MAX_SAFE_INTEGER;
  if (start === 0 && step === 1 && end >= Number.MAX_SAFE_INTEGER)
    return { axis, start, length: extent, step };
  const size = staticDim(extent, args.schema.name);
  const clip = (bound: number) => Math.min(Math.max(bound < 0 ? bound + size : bound, 0), size);
  const length = Math.max(Math.ceil((clip(end) - clip(start)) / step), 0);
  return { axis, start: clip(start), length, step };
}

function indexOf(args: Arguments<Shaped>): number {
  const index = args.number('index');
  const extent = args.tensor('self').shape[axisOf(args)];
  if (typeof extent === 'number' && (index < -extent || index >= extent))
    throw new Error(`${args.schema.name}: index ${index} is out of range for an extent of ${extent}`);
  if (index >= 0) return index;
  return index + staticDim(extent, args.schema.name);
}

const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);

/** -1 keeps an extent; new extents come first. */
function expandedShape(args: Arguments<Shaped>): readonly Dim[] {
  const { name } = args.schema;
  const { shape } = args.tensor('self');
  const wanted = args.dims('size');
  const missing = wanted.length - shape.length;
  const target = wanted.map((dim, i) => (dim === -1 && i >= missing ? shape[i - missing] : dim));
  const result = missing < 0 ? [] : broadcastShapes(shape, target, name);
  if (missing < 0 || !result.every((dim, i) => dimsEqual(dim, target[i])))
    throw new Error(`${name}: [${shape.join(', ')}] does not expand to [${wanted.join(', ')}]`);
  return result;
}

/** Operators that look at the elements of a tensor in another order, or at some of them, or at some repeatedly. */
export const stridedViews: readonly OperatorDefinition[] = [
  permutation('aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)', permuteOrder),
  permutation('aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)', transposeOrder),
  permutation('aten::t(Tensor(a) self) -> Tensor(a)', matrixTransposeOrder),
  split(
    'aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]',
    (extent, args) => partsOf(extent, positive(args, 'split_size')),
  ),
  split(
    'aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]',
    (_, args) => args.numbers('split_sizes'),
  ),
  split('aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]', (extent, args) =>
    partsOf(extent, Math.max(Math.ceil(extent / positive(args, 'chunks')), 1)),
  ),
  {
    schema:
      'aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)',
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const { axis, length } = rangeOf(args);
      return { dtype, shape: replaced(shape, axis, length) };
    },
    strided: (input, args) => {
      const { axis, start, length, step } = rangeOf(args);
      return narrow(input, axis, start, length as number, step);
    },
  },
  {
    schema: 'aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)',
    infer: (args) => {
      indexOf(args);
      const { dtype, shape } = args.tensor('self');
      return { dtype, shape: without(shape, axisOf(args)) };
    },
    strided: ({ shape, strides }, args) => {
      const axis = axisOf(args);
      return {
        shape: without(shape, axis),
        strides: without(strides, axis),
        offset: indexOf(args) * strides[axis],
      };
    },
  },
  {
    schema: 'aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)',
    infer: (args) => ({ dtype: args.tensor('self').dtype, shape: expandedShape(args) }),
    strided: ({ shape, strides }, args) => {
      const target = expandedShape(args) as readonly number[];
      const missing = target.length - shape.length;
      return {
        shape: target,
        strides: target.map((_, i) => (i < missing || shape[i - missing] === 1 ? 0 : strides[i - missing])),
        offset: 0,
      };
    },
  },
];
