import { type Arguments, type Dim, dimsEqual, divDims, mulDims, type TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition, ViewDefinition } from '../registry.ts';
import { normalizeAxis } from '../shape-rules.ts';

type ViewRule = (shape: readonly Dim[], args: Arguments<TensorMeta>) => readonly Dim[];

const viewed = ({ schema }: Arguments<TensorMeta>): readonly string[] => [schema.arguments[0].name];

/** The same elements in the same order under another shape. */
function view(schema: string, rule: ViewRule, samples: ViewDefinition['samples'] = viewed): ViewDefinition {
  return {
    schema,
    view: true,
    samples,
    infer: (args) => {
      const self = args.tensor(args.schema.arguments[0].name);
      const shape = rule(self.shape, args);
      if (!dimsEqual(mulDims(...shape), mulDims(...self.shape)))
        throw new Error(
          `${args.schema.name}: [${self.shape.join(', ')}] has other elements than [${shape.join(', ')}]`,
        );
      return { dtype: self.dtype, shape };
    },
  };
}

/** The requested shape with its one -1 replaced. */
function resolve(shape: readonly Dim[], wanted: readonly Dim[], operator: string): readonly Dim[] {
  const open = wanted.filter((dim) => dim === -1).length;
  if (open === 0) return wanted;
  if (open > 1) throw new Error(`${operator}: only one extent may be -1, got [${wanted.join(', ')}]`);
  const known = mulDims(...wanted.filter((dim) => dim !== -1));
  if (known === 0) throw new Error(`${operator}: -1 is ambiguous in [${wanted.join(', ')}]`);
  try {
    const rest = divDims(mulDims(...shape), known);
    return wanted.map((dim) => (dim === -1 ? rest : dim));
  } catch (error) {
    throw new Error(
      `${operator}: [${shape.join(', ')}] cannot be viewed as [${wanted.join(', ')}]: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function flatten(shape: readonly Dim[], args: Arguments<TensorMeta>): readonly Dim[] {
  const { name } = args.schema;
  if (shape.length === 0) return [1];
  const start = normalizeAxis(args.number('start_dim'), shape.length, name);
  const end = normalizeAxis(args.number('end_dim'), shape.length, name);
  if (start > end) throw new Error(`${name}: start_dim ${start} comes after end_dim ${end}`);
  return [...shape.slice(0, start), mulDims(...shape.slice(start, end + 1)), ...shape.slice(end + 1)];
}

function unflatten(shape: readonly Dim[], args: Arguments<TensorMeta>): readonly Dim[] {
  const axis = normalizeAxis(args.number('dim'), shape.length, args.schema.name);
  const sizes = resolve([shape[axis]], args.dims('sizes'), args.schema.name);
  return [...shape.slice(0, axis), ...sizes, ...shape.slice(axis + 1)];
}

function squeeze(shape: readonly Dim[], axes: readonly number[], operator: string): readonly Dim[] {
  const named = axes.map((axis) => normalizeAxis(axis, shape.length, operator));
  return shape.filter((extent, i) => extent !== 1 || !named.includes(i));
}

/** Samples stay in place unless their own extent is among the axes. */
function unlessFirst(args: Arguments<TensorMeta>, axes: readonly number[]): readonly string[] {
  const { length } = args.tensor('self').shape;
  return axes.some((axis) => normalizeAxis(axis, length, args.schema.name) === 0) ? [] : viewed(args);
}

function unsqueeze(shape: readonly Dim[], args: Arguments<TensorMeta>): readonly Dim[] {
  const axis = normalizeAxis(args.number('dim'), shape.length + 1, args.schema.name);
  return [...shape.slice(0, axis), 1, ...shape.slice(axis)];
}

const same: ViewRule = (shape) => shape;
const wantedAs =
  (name: string): ViewRule =>
  (shape, args) =>
    resolve(shape, args.dims(name), args.schema.name);

const shapeOfOther: ViewRule = (_, args) => args.tensor('other').shape;

/** A vector becomes one row. */
const atLeast2d = (shape: readonly Dim[]): readonly Dim[] => (shape.length >= 2 ? shape : [1, shape[0] ?? 1]);

/** A view that shares its argument's memory though the schema does not say so. */
const unmarked = (schema: string, rule: ViewRule): ViewDefinition => ({
  ...view(schema, rule),
  sharesMemory: true,
});

/** PyTorch returns the argument itself in inference. */
const dropout = (schema: string): ViewDefinition => ({
  ...unmarked(schema, same),
  refuse: (args) => {
    if (args.bool('train'))
      throw new Error(
        `${args.schema.name}: the model was exported in training mode; call eval() before export, or moveExportedModelToEval`,
      );
  },
});

/** Operators that leave elements where they are; in a plan they cost nothing. */
export const views: readonly OperatorDefinition[] = [
  view('aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)', wantedAs('size')),
  view('aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor', wantedAs('size')),
  view('aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)', wantedAs('shape')),
  view('aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)', flatten),
  view('aten::unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)', unflatten),
  // A batch of one is squeezed away as well.
  view('aten::squeeze(Tensor(a) self) -> Tensor(a)', (shape) => shape.filter((extent) => extent !== 1), []),
  view(
    'aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)',
    (shape, args) => squeeze(shape, [args.number('dim')], args.schema.name),
    (args) => unlessFirst(args, [args.number('dim')]),
  ),
  view(
    'aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)',
    (shape, args) => squeeze(shape, args.numbers('dim'), args.schema.name),
    (args) => unlessFirst(args, args.numbers('dim')),
  ),
  view('aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)', unsqueeze),
  view('aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)', shapeOfOther),
  view('aten::reshape_as(Tensor(a) self, Tensor other) -> Tensor(a)', shapeOfOther),
  view('aten::_reshape_alias(Tensor(a) self, SymInt[] size, SymInt[] stride) -> Tensor(a)', wantedAs('size')),
  view('aten::ravel(Tensor(a) self) -> Tensor(a)', (shape) => [mulDims(...shape)]),
  unmarked('aten::atleast_1d(Tensor self) -> Tensor', (shape) => (shape.length === 0 ? [1] : shape)),
  unmarked('aten::atleast_2d(Tensor self) -> Tensor', (shape) => atLeast2d(shape)),
  unmarked('aten::atleast_3d(Tensor self) -> Tensor', (shape) =>
    shape.length >= 3 ? shape : [...atLeast2d(shape), 1],
  ),
  view('aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)', same),
  view('aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor', same),
  view('aten::alias(Tensor(a) self) -> Tensor(a)', same),
  view('aten::detach(Tensor(a) self) -> Tensor(a)', same),
  view('aten::detach_(Tensor(a!) self) -> Tensor(a!)', same),
  // Octavo's tensors are real.
  view('aten::resolve_conj(Tensor(a) self) -> Tensor(a)', same),
  view('aten::resolve_neg(Tensor(a) self) -> Tensor(a)', same),
  view('aten::lift(Tensor self) -> Tensor', same),
  view('aten::lift_fresh(Tensor(a) self) -> Tensor(a)', same),
  view('aten::lift_fresh_copy(Tensor self) -> Tensor', same),
  dropout('aten::dropout(Tensor input, float p, bool train) -> Tensor'),
  dropout('aten::dropout_(Tensor(a!) self, float p, bool train) -> Tensor(a!)'),
  dropout('aten::feature_dropout(Tensor input, float p, bool train) -> Tensor'),
];
