import {
  type Arguments,
  addDims,
  ceilDivDims,
  type Dim,
  dimsEqual,
  isAtMost,
  maxDims,
  minDims,
  SymInt,
  staticDim,
  subDims,
} from '../../graph/index.ts';
import type { OperatorDefinition, StridedDefinition, StridedLike, StridedView } from '../registry.ts';
import { broadcastShapes, normalizeAxis } from '../shape-rules.ts';

/** The part of a tensor that shape rules need, of a plan's value as of a meta. */
interface Shaped {
  readonly shape: readonly Dim[];
}

const replaced = <T>(list: readonly T[], at: number, item: T): T[] =>
  list.map((old, i) => (i === at ? item : old));

const axisOf = (args: Arguments<Shaped>): number =>
  normalizeAxis(args.number('dim'), args.tensor('self').shape.length, args.schema.name);

/** Permutes the extents. */
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

/** Swaps the last two extents. */
function batchedTransposeOrder(rank: number, args: Arguments<Shaped>): number[] {
  if (rank < 2) throw new Error(`${args.schema.name}: at least 2 extents are needed, the tensor has ${rank}`);
  return [...Array(rank - 2).keys(), rank - 1, rank - 2];
}

const reversedOrder = (rank: number): number[] => [...Array(rank).keys()].reverse();

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

/** Divides an extent into parts of `size`; the last one has the remainder. */
function partsOf(extent: number, size: number): number[] {
  const count = Math.max(Math.ceil(extent / size), 1);
  return Array.from({ length: count }, (_, i) => Math.min(size, extent - i * size));
}

function positive(args: Arguments<Shaped>, name: string): number {
  const value = args.number(name);
  if (value < 1) throw new Error(`${args.schema.name}: '${name}' must be positive, got ${value}`);
  return value;
}

/** A position along an axis of that extent; negative ones count from the end. */
function position(at: Dim, extent: Dim, { ranges }: Arguments<Shaped>): Dim {
  return isAtMost(at, -1, ranges) ? addDims(at, extent) : at;
}

interface Range {
  readonly axis: number;
  readonly start: Dim;
  readonly length: Dim;
  readonly step: number;
}

/**
 * A bound of a slice, clamped to the extent. A symbolic bound that was computed from sizes is inside: otherwise the
 * export would have had another size.
 */
function bound(at: Dim, extent: Dim, args: Arguments<Shaped>): Dim {
  const { ranges } = args;
  const from = position(at, extent, args);
  if (at instanceof SymInt) return isAtMost(extent, from, ranges) ? extent : from;
  return minDims(maxDims(from, 0, ranges), extent, ranges);
}

/** PyTorch's slicing: negative bounds count from the end, and all are clamped to the extent. */
function rangeOf(args: Arguments<Shaped>): Range {
  const axis = axisOf(args);
  const extent = args.tensor('self').shape[axis];
  const step = positive(args, 'step');
  const [first, last] = [args.optionalDim('start') ?? 0, args.optionalDim('end') ?? Number.MAX_SAFE_INTEGER];
  const isToTheEnd = typeof last === 'number' && last >= Number.MAX_SAFE_INTEGER;
  const start = bound(first, extent, args);
  const length = subDims(isToTheEnd ? extent : bound(last, extent, args), start);
  const isKnown = ![first, last].some((at) => at instanceof SymInt);
  return {
    axis,
    start,
    length: ceilDivDims(isKnown ? maxDims(length, 0, args.ranges) : length, step),
    step,
  };
}

function indexOf(args: Arguments<Shaped>): Dim {
  const index = args.dim('index');
  const extent = args.tensor('self').shape[axisOf(args)];
  const at = position(index, extent, args);
  if (isAtMost(at, -1, args.ranges) || isAtMost(extent, at, args.ranges))
    throw new Error(`${args.schema.name}: index ${index} is out of range for an extent of ${extent}`);
  return at;
}

const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);

type Wanted = (args: Arguments<Shaped>) => readonly Dim[];

/** -1 keeps an extent; new extents come first. */
function expandedShape(args: Arguments<Shaped>, wanted: readonly Dim[]): readonly Dim[] {
  const { name } = args.schema;
  const { shape } = args.tensor('self');
  const missing = wanted.length - shape.length;
  const target = wanted.map((dim, i) => (dim === -1 && i >= missing ? shape[i - missing] : dim));
  const result = missing < 0 ? [] : broadcastShapes(shape, target, name);
  if (missing < 0 || !result.every((dim, i) => dimsEqual(dim, target[i])))
    throw new Error(`${name}: [${shape.join(', ')}] does not expand to [${wanted.join(', ')}]`);
  return result;
}

/** Repeats extents of one element. */
function expansion(schema: string, wanted: Wanted): StridedDefinition {
  return {
    schema,
    infer: (args) => ({ dtype: args.tensor('self').dtype, shape: expandedShape(args, wanted(args)) }),
    strided: ({ shape, strides }, args) => {
      const target = expandedShape(args, wanted(args)) as readonly number[];
      const missing = target.length - shape.length;
      return {
        shape: target,
        strides: target.map((_, i) => (i < missing || shape[i - missing] === 1 ? 0 : strides[i - missing])),
        offset: 0,
      };
    },
  };
}

/** Operators that read the elements of a tensor in another order, or some of them, or some repeatedly. */
export const stridedViews: readonly OperatorDefinition[] = [
  permutation('aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)', permuteOrder),
  permutation('aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)', transposeOrder),
  permutation('aten::t(Tensor(a) self) -> Tensor(a)', matrixTransposeOrder),
  permutation('aten::numpy_T(Tensor(a) self) -> Tensor(a)', reversedOrder),
  permutation('aten::mT(Tensor(a) self) -> Tensor(a)', batchedTransposeOrder),
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
      return narrow(input, axis, start as number, length as number, step);
    },
  },
  {
    schema: 'aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]',
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const axis = axisOf(args);
      const count = staticDim(shape[axis], args.schema.name);
      return Array.from({ length: count }, () => ({ dtype, shape: without(shape, axis) }));
    },
    strided: ({ shape, strides }, args) => {
      const axis = axisOf(args);
      return Array.from({ length: shape[axis] }, (_, i) => ({
        shape: without(shape, axis),
        strides: without(strides, axis),
        offset: i * strides[axis],
      }));
    },
  },
  {
    schema: 'aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)',
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const axis = axisOf(args);
      const [length, extent] = [args.dim('length'), shape[axis]];
      const end = addDims(position(args.dim('start'), extent, args), length);
      if (isAtMost(end, extent, args.ranges) === false || isAtMost(length, -1, args.ranges))
        throw new Error(
          `${args.schema.name}: ${length} positions from ${args.dim('start')} are not in an extent of ${extent}`,
        );
      return { dtype, shape: replaced(shape, axis, length) };
    },
    strided: (input, args) => {
      const axis = axisOf(args);
      const start = position(args.dim('start'), input.shape[axis], args) as number;
      return narrow(input, axis, start, args.number('length'));
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
        offset: (indexOf(args) as number) * strides[axis],
      };
    },
  },
  expansion('aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)', (args) =>
    args.dims('size'),
  ),
  expansion(
    'aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)',
    (args) => args.tensor('other').shape,
  ),
];
