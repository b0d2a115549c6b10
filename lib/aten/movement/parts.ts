import { type Arguments, staticDim } from '../../graph/index.ts';
import type { OperatorDefinition, StridedDefinition } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';
import { axisOf, narrow, positive, replaced, type Shaped, without } from './strided.ts';

/** Where a part of an extent begins, and how long it is. */
interface Part {
  readonly start: number;
  readonly length: number;
}

interface Division {
  readonly axis: (args: Arguments<Shaped>) => number;
  readonly parts: (extent: number, args: Arguments<Shaped>) => readonly Part[];
}

/** Parts of a tensor along an axis. */
function division(schema: string, { axis: axisIn, parts }: Division): StridedDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      const axis = axisIn(args);
      const extent = staticDim(shape[axis], args.schema.name);
      return parts(extent, args).map(({ length }) => ({ dtype, shape: replaced(shape, axis, length) }));
    },
    strided: (input, args) => {
      const axis = axisIn(args);
      return parts(input.shape[axis], args).map(({ start, length }) => narrow(input, axis, start, length));
    },
  };
}

/** Adjacent parts of these lengths. */
function adjacent(lengths: readonly number[]): Part[] {
  let start = 0;
  return lengths.map((length) => {
    start += length;
    return { start: start - length, length };
  });
}

/** Parts of these lengths, which must be all of the extent. */
function whole(extent: number, lengths: readonly number[], { schema: { name } }: Arguments<Shaped>): Part[] {
  if (lengths.some((length) => length < 0) || lengths.reduce((a, b) => a + b, 0) !== extent)
    throw new Error(`${name}: parts of [${lengths.join(', ')}] do not make an extent of ${extent}`);
  return adjacent(lengths);
}

/** Divides an extent into parts of `size`; the last one has the remainder. */
function partsOf(extent: number, size: number): Part[] {
  const count = Math.max(Math.ceil(extent / size), 1);
  return adjacent(Array.from({ length: count }, (_, i) => Math.min(size, extent - i * size)));
}

const chunks: Division['parts'] = (extent, args) =>
  partsOf(extent, Math.max(Math.ceil(extent / positive(args, 'chunks')), 1));

/** As many parts as named, the first of them longer by 1 where it does not divide evenly. */
function sections(extent: number, count: number): Part[] {
  const [least, longer] = [Math.floor(extent / count), extent % count];
  return adjacent(Array.from({ length: count }, (_, i) => least + (i < longer ? 1 : 0)));
}

/** The parts between these positions, which are clamped to the extent as in slices. */
function between(extent: number, indices: readonly number[]): Part[] {
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + extent : at, 0), extent);
  const ends = [...indices.map(clamp), extent];
  return ends.map((end, i) => {
    const start = i === 0 ? 0 : ends[i - 1];
    return { start, length: Math.max(end - start, 0) };
  });
}

/** `hsplit`, `vsplit`, `dsplit`: along the axis that the name stands for. */
function splitAlong(name: string, leastRank: number, axisFor: (rank: number) => number) {
  const axis = (args: Arguments<Shaped>) => {
    const rank = args.tensor('self').shape.length;
    if (rank < leastRank)
      throw new Error(
        `${args.schema.name}: at least ${leastRank} extents are needed, the tensor has ${rank}`,
      );
    return normalizeAxis(axisFor(rank), rank, args.schema.name);
  };
  return [
    division(`aten::${name}.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]`, {
      axis,
      parts: (extent, args) => {
        const count = positive(args, 'sections');
        if (extent % count !== 0)
          throw new Error(`${args.schema.name}: ${count} sections do not divide an extent of ${extent}`);
        return sections(extent, count);
      },
    }),
    division(`aten::${name}.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]`, {
      axis,
      parts: (extent, args) => between(extent, args.numbers('indices')),
    }),
  ];
}

const bySize: Division = {
  axis: axisOf,
  parts: (extent, args) => partsOf(extent, positive(args, 'split_size')),
};
const bySizes: Division = {
  axis: axisOf,
  parts: (extent, args) => whole(extent, args.numbers('split_sizes'), args),
};

/** Operators that divide a tensor into parts. */
export const parts: readonly OperatorDefinition[] = [
  division('aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]', bySize),
  division('aten::unsafe_split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]', bySize),
  division('aten::split.sizes(Tensor(a -> *) self, SymInt[] split_size, int dim=0) -> Tensor(a)[]', {
    axis: axisOf,
    parts: (extent, args) => whole(extent, args.numbers('split_size'), args),
  }),
  division(
    'aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]',
    bySizes,
  ),
  division(
    'aten::unsafe_split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]',
    bySizes,
  ),
  division('aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]', {
    axis: axisOf,
    parts: chunks,
  }),
  division('aten::unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]', {
    axis: axisOf,
    parts: chunks,
  }),
  division('aten::tensor_split.sections(Tensor(a -> *) self, SymInt sections, int dim=0) -> Tensor(a)[]', {
    axis: axisOf,
    parts: (extent, args) => sections(extent, positive(args, 'sections')),
  }),
  division('aten::tensor_split.indices(Tensor(a -> *) self, SymInt[] indices, int dim=0) -> Tensor(a)[]', {
    axis: axisOf,
    parts: (extent, args) => between(extent, args.numbers('indices')),
  }),
  ...splitAlong('hsplit', 1, (rank) => (rank === 1 ? 0 : 1)),
  ...splitAlong('vsplit', 2, () => 0),
  ...splitAlong('dsplit', 3, () => 2),
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
];
