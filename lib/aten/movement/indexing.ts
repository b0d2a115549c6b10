import type { Arguments, Dim } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, TensorLike } from '../registry.ts';
import { broadcastShapes } from '../shape-rules.ts';
import {
  checkIndices,
  elementWalk,
  type IndexWalk,
  rowWalk,
  tensorWalk,
  walkAttributes,
} from './index-walk.ts';
import { axisOf, replaced, type Shaped } from './strided.ts';

/** A tensor of a meta, a plan or an eager call. */
interface Indexed extends Shaped {
  readonly dtype: TensorLike['dtype'];
}

/** Index tensors of a call, with the walk that they make. */
interface Chosen<T> {
  readonly walk: IndexWalk;
  readonly indices: readonly T[];
}

interface Choice {
  readonly schema: string;
  readonly chosen: <T extends Indexed>(args: Arguments<T>) => Chosen<T>;
  readonly samples: NonNullable<NativeDefinition['samples']>;
}

/** Reads the elements that index tensors choose. */
function choice({ schema, chosen, samples }: Choice): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { walk, indices } = chosen(args);
      for (const index of indices) checkIndices(index, 'the index', args.schema.name);
      return { dtype: args.tensor('self').dtype, shape: walk.shape };
    },
    samples,
    step: (args) => {
      const { walk, indices } = chosen(args);
      return {
        op: 'index',
        inputs: [args.tensor('self'), ...indices],
        attributes: { ...walkAttributes(walk) },
      };
    },
  };
}

/** `tensor[i, :, j]`. Where the index tensors come first, each index of theirs is a sample. */
const byTensors = (name: string): NativeDefinition =>
  choice({
    schema: `aten::${name}(Tensor self, Tensor?[] indices) -> Tensor`,
    chosen: (args) => {
      const given = args.tensors('indices') as readonly (ReturnType<typeof args.tensor> | null)[];
      return {
        walk: tensorWalk(args.tensor('self').shape, given, args.schema.name),
        indices: given.filter((index) => index !== null),
      };
    },
    samples: (args) => {
      const given = args.tensors('indices') as readonly (Indexed | null)[];
      const { walks } = tensorWalk(args.tensor('self').shape, given, args.schema.name);
      return walks[0] === -1 ? ['indices'] : ['self'];
    },
  });

/** Along one axis the indices choose; the other axes of both broadcast. */
function alongAxis(self: readonly Dim[], index: readonly Dim[], axis: number, operator: string): IndexWalk {
  if (self.length !== index.length || self.length === 0)
    throw new Error(
      `${operator}: indices [${index.join(', ')}] must have as many extents as [${self.join(', ')}], and at least one`,
    );
  const common = broadcastShapes(replaced(self, axis, 1), replaced(index, axis, 1), operator);
  const shape = replaced(common, axis, index[axis]);
  const isRepeated = (i: number) => self[i] === 1 && shape[i] !== 1;
  return {
    shape,
    axes: [axis],
    walks: shape.map((_, i) => (i === axis || isRepeated(i) ? -1 : i)),
    position: 0,
    wraps: false,
  };
}

/** Operators that read elements at positions which other tensors hold. */
export const indexing: readonly OperatorDefinition[] = [
  choice({
    schema: 'aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor',
    chosen: (args) => {
      const index = args.tensor('index');
      return {
        walk: elementWalk(args.tensor('self').shape, index.shape, axisOf(args), args),
        indices: [index],
      };
    },
    samples: (args) => (axisOf(args) === 0 ? [] : ['self', 'index']),
  }),
  choice({
    schema: 'aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor',
    chosen: (args) => {
      if (args.isNone('dim'))
        throw new Error(`${args.schema.name}: without 'dim', tensors must be flattened`);
      const index = args.tensor('indices');
      const axis = axisOf(args);
      return {
        walk: alongAxis(args.tensor('self').shape, index.shape, axis, args.schema.name),
        indices: [index],
      };
    },
    samples: (args) => (axisOf(args) === 0 ? [] : ['self', 'indices']),
  }),
  choice({
    schema: 'aten::index_select(Tensor self, int dim, Tensor index) -> Tensor',
    chosen: (args) => {
      const index = args.tensor('index');
      return {
        walk: rowWalk(args.tensor('self').shape, index.shape, axisOf(args), args.schema.name),
        indices: [index],
      };
    },
    samples: (args) => (axisOf(args) === 0 ? ['index'] : ['self']),
  }),
  byTensors('index.Tensor'),
  byTensors('_unsafe_index.Tensor'),
];
