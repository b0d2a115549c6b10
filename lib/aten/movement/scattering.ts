import { type Arguments, type Dim, isAtMost, type TensorMeta } from '../../graph/index.ts';
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
import { axisOf } from './strided.ts';

/** A tensor of a meta, a plan or an eager call. */
interface Target {
  readonly dtype: TensorLike['dtype'];
  readonly shape: readonly Dim[];
}

/** What is written where, and how it is combined with what was there. */
interface Writing<T> {
  readonly walk: IndexWalk;
  readonly indices: readonly T[];
  /** Elements, which broadcast to the walk's shape; or one number for all of them. */
  readonly source: T | number;
  /** PyTorch's names for reductions; 'set' replaces. */
  readonly reduce: string;
  readonly includeSelf: boolean;
}

const reductions = ['set', 'sum', 'prod', 'mean', 'amax', 'amin'];

interface Scatter {
  readonly schema: string;
  readonly writing: <T extends Target>(args: Arguments<T>) => Writing<T>;
  readonly samples?: NativeDefinition['samples'];
}

/** The first argument, with elements written at the positions that index tensors hold. */
function scatter({ schema, writing, samples = [] }: Scatter): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { name } = args.schema;
      const { dtype, shape } = args.tensor('self');
      const { indices, source, reduce } = writing(args);
      for (const index of indices) checkIndices(index, 'the index', name);
      if (!reductions.includes(reduce))
        throw new Error(`${name}: reduce must be one of ${reductions.slice(1).join(', ')}, got '${reduce}'`);
      if (typeof source !== 'number') checkSource(source, dtype, name);
      return { dtype, shape };
    },
    samples,
    step: (args) => {
      const { walk, indices, source, reduce, includeSelf } = writing(args);
      const hasSource = typeof source !== 'number';
      return {
        op: 'scatter',
        inputs: [args.tensor('self'), ...(hasSource ? [source] : []), ...indices],
        attributes: {
          ...walkAttributes(walk),
          shape: walk.shape as readonly number[],
          hasSource,
          reduce,
          includeSelf,
          ...(hasSource ? {} : { value: source }),
        },
      };
    },
  };
}

function checkSource(source: Pick<TensorMeta, 'dtype'>, dtype: TensorMeta['dtype'], operator: string): void {
  if (source.dtype !== dtype)
    throw new Error(`${operator}: the source must be ${dtype} like the tensor, got ${source.dtype}`);
}

/** `scatter` and its like: an index for each element of the source, along one axis. */
function byElements(
  schema: string,
  what: <T extends Target>(args: Arguments<T>) => Omit<Writing<T>, 'walk' | 'indices'>,
): NativeDefinition {
  return scatter({
    schema,
    writing: (args) => {
      const [self, index] = [args.tensor('self'), args.tensor('index')];
      const walk = elementWalk(self.shape, index.shape, axisOf(args), args);
      const rest = what(args);
      if (typeof rest.source !== 'number') checkCovers(rest.source.shape, index.shape, args);
      return { walk, indices: [index], ...rest };
    },
    samples: (args) => (axisOf(args) === 0 ? [] : ['self', 'index', 'src']),
  });
}

/** Elements of the source beyond the index are not read. */
function checkCovers(source: readonly Dim[], index: readonly Dim[], args: Arguments<unknown>): void {
  const covers =
    source.length === index.length &&
    index.every((extent, i) => isAtMost(extent, source[i], args.ranges) !== false);
  if (!covers)
    throw new Error(
      `${args.schema.name}: the source [${source.join(', ')}] does not cover index [${index.join(', ')}]`,
    );
}

/** `index_add` and its like: positions along one axis, whole rows of the others. */
function byRows(
  schema: string,
  what: <T extends Target>(args: Arguments<T>) => Omit<Writing<T>, 'walk' | 'indices'>,
  wraps = false,
): NativeDefinition {
  return scatter({
    schema,
    writing: (args) => {
      const { name } = args.schema;
      const [self, index] = [args.tensor('self'), args.tensor('index')];
      const walk = { ...rowWalk(self.shape, index.shape, axisOf(args), name), wraps };
      const rest = what(args);
      if (typeof rest.source !== 'number') checkBroadcast(rest.source.shape, walk.shape, name);
      return { walk, indices: [index], ...rest };
    },
    samples: (args) => (axisOf(args) === 0 ? [] : ['self', 'source']),
  });
}

/** `tensor[i, :, j] = values`. */
function byTensors(schema: string): NativeDefinition {
  return scatter({
    schema,
    writing: (args) => {
      const { name } = args.schema;
      const given = args.tensors('indices') as readonly (ReturnType<typeof args.tensor> | null)[];
      const walk = tensorWalk(args.tensor('self').shape, given, name);
      const source = args.tensor('values');
      checkBroadcast(source.shape, walk.shape, name);
      return {
        walk,
        indices: given.filter((index) => index !== null),
        source,
        reduce: args.bool('accumulate') ? 'sum' : 'set',
        includeSelf: true,
      };
    },
  });
}

function checkBroadcast(source: readonly Dim[], target: readonly Dim[], operator: string): void {
  const wide = broadcastShapes(source, target, operator);
  if (String(wide) !== String(target))
    throw new Error(`${operator}: [${source.join(', ')}] does not broadcast to [${target.join(', ')}]`);
}

/** `add` and `multiply`, as older operators call them. */
function olderReduction(args: Arguments<unknown>): string {
  const reduce = args.string('reduce');
  if (reduce === 'add') return 'sum';
  if (reduce === 'multiply') return 'prod';
  throw new Error(`${args.schema.name}: reduce must be 'add' or 'multiply', got '${reduce}'`);
}

const set = { reduce: 'set', includeSelf: true } as const;

const functional: readonly NativeDefinition[] = [
  byElements('aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor', (args) => ({
    source: args.tensor('src'),
    ...set,
  })),
  byElements('aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor', (args) => ({
    source: args.number('value'),
    ...set,
  })),
  byElements(
    'aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor',
    (args) => ({ source: args.tensor('src'), reduce: olderReduction(args), includeSelf: true }),
  ),
  byElements(
    'aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor',
    (args) => ({ source: args.number('value'), reduce: olderReduction(args), includeSelf: true }),
  ),
  byElements('aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor', (args) => ({
    source: args.tensor('src'),
    reduce: 'sum',
    includeSelf: true,
  })),
  byElements(
    'aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor',
    (args) => ({
      source: args.tensor('src'),
      reduce: args.string('reduce'),
      includeSelf: args.bool('include_self'),
    }),
  ),
  byRows(
    'aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor',
    (args) => {
      if (args.number('alpha') !== 1)
        throw new Error(`${args.schema.name}: alpha must be 1; multiply the source`);
      return { source: args.tensor('source'), reduce: 'sum', includeSelf: true };
    },
  ),
  byRows('aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor', (args) => ({
    source: args.tensor('source'),
    ...set,
  })),
  byRows(
    'aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor',
    (args) => ({
      source: args.tensor('source'),
      reduce: args.string('reduce'),
      includeSelf: args.bool('include_self'),
    }),
  ),
  byRows(
    'aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor',
    (args) => ({ source: args.number('value'), ...set }),
    true,
  ),
  byRows(
    'aten::index_fill.int_Tensor(Tensor self, int dim, Tensor index, Tensor value) -> Tensor',
    (args) => ({ source: args.tensor('value'), ...set }),
    true,
  ),
  byTensors(
    'aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor',
  ),
  byTensors(
    'aten::_unsafe_index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor',
  ),
];

/** The same under the name of the operator that writes its first argument: `scatter_` for `scatter`. */
const inPlace = (definition: NativeDefinition): NativeDefinition => ({
  ...definition,
  schema: definition.schema
    .replace(/^(aten::\w+)(.*?)\(Tensor self/, '$1_$2(Tensor(a!) self')
    .replace(/Tensor$/, 'Tensor(a!)'),
});

/** Operators that write elements at positions which other tensors hold. */
export const scattering: readonly OperatorDefinition[] = functional.flatMap((definition) =>
  definition.schema.startsWith('aten::_') ? [definition] : [definition, inPlace(definition)],
);
