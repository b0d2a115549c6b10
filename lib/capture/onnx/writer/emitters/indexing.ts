import { broadcastShapes, embeddingBagOperators } from '../../../../aten/index.ts';
import { type Dim, dimsEqual } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';

/** Index tensors of some axes as ONNX has them: their elements side by side, one list for each place. */
export interface Places {
  /** The axes of the tensor in another order: those that are indexed, then the others. */
  readonly order: readonly number[];
  /** `[...common shape, number of axes]` */
  readonly indices: OnnxValue;
  readonly common: readonly Dim[];
  /** Where the common extents stand in the result, among the extents of the other axes. */
  readonly position: number;
}

/** The index tensors in a call's list; null, or nothing at the end, for an axis that is read whole. */
export function placesOf(call: OnnxCall): Places {
  const { args, self } = call;
  const given = args.tensors('indices') as readonly (OnnxValue | null)[];
  const axes = given.flatMap((index, axis) => (index ? [axis] : []));
  const tensors = given.filter((index) => index !== null).map((index) => call.cast(index, 'int64'));
  const common = tensors.reduce<readonly Dim[]>(
    (wide, { shape }) => broadcastShapes(wide, shape, args.schema.name),
    [],
  );
  const areNeighbours = axes.every((axis, i) => axis === axes[0] + i);
  const rest = upTo(self.rank).filter((axis) => !axes.includes(axis));
  return {
    order: [...axes, ...rest],
    indices: columnsOf(tensors) ?? sideBySide(call, tensors, common),
    common,
    position: areNeighbours ? axes[0] : 0,
  };
}

/** The tensor of which these are the columns, all of them in order. */
function columnsOf(tensors: readonly OnnxValue[]): OnnxValue | undefined {
  const [first] = tensors;
  const from = first.facts.selected?.from;
  if (!from || from.shape.at(-1) !== tensors.length || from.dtype !== 'int64') return undefined;
  const isColumn = ({ facts: { selected } }: OnnxValue, i: number) =>
    selected?.from === from &&
    selected.axis === from.rank - 1 &&
    (selected.index === i || selected.index === i - tensors.length);
  return tensors.every(isColumn) ? from : undefined;
}

function sideBySide(call: OnnxCall, tensors: readonly OnnxValue[], common: readonly Dim[]): OnnxValue {
  const columns = tensors.map((tensor) => call.unsqueeze(call.expand(tensor, common), [common.length]));
  const shape = [...common, tensors.length];
  return columns.length === 1 ? columns[0] : call.op('Concat', columns, { axis: common.length }, { shape });
}

/** `tensor[i, :, j]` */
function byTensors(call: OnnxCall): OnnxValue {
  const given = call.args.tensors('indices') as readonly (OnnxValue | null)[];
  const axes = given.flatMap((index, axis) => (index ? [axis] : []));
  // A Gather of a matrix's rows is read as an embedding, which counts no indices from the end.
  const isTable = call.self.rank === 2 && axes[0] === 0;
  if (axes.length === 1 && !isTable)
    return call.op('Gather', [call.self, given[axes[0]]!], { axis: axes[0] });
  const { order, indices, common, position } = placesOf(call);
  const found = call.op(
    'GatherND',
    [call.transpose(call.self, order), indices],
    {},
    { shape: call.meta.shape },
  );
  const [count, rank] = [common.length, call.rank];
  const lead = upTo(position).map((i) => count + i);
  return call.transpose(found, [...lead, ...upTo(count), ...upTo(rank).slice(count + position)]);
}

/** Along an axis by indices that broadcast with the tensor along the others. */
function alongAxis(call: OnnxCall): OnnxValue {
  const { self, axis, meta } = call;
  const index = call.args.tensor('indices');
  const wide = (value: OnnxValue) => call.expand(value, meta.shape.with(axis, value.shape[axis]));
  return call.op('GatherElements', [wide(self), wide(index)], { axis });
}

function indexSelect(call: OnnxCall): OnnxValue {
  const index = call.args.tensor('index');
  return call.op('Gather', [call.self, index.rank === 0 ? call.unsqueeze(index, [0]) : index], {
    axis: call.axis,
  });
}

function oneHot(call: OnnxCall): OnnxValue {
  const classes = call.scalar(call.args.number('num_classes'), 'int64');
  const values = call.integers([0, 1]);
  return call.op('OneHot', [call.self, classes, values], { axis: -1 }, { dtype: 'int64' });
}

/** Sums, means or maxima of rows, each bag from its offset to the next one: by a matrix of which bag has which row. */
function embeddingBag(call: OnnxCall): readonly OnnxValue[] {
  const { args } = call;
  const [weight, indices, offsets] = ['weight', 'indices', 'offsets'].map((name) => args.tensor(name));
  const rows = call.op(
    'Gather',
    [weight, indices],
    { axis: 0 },
    { shape: [indices.shape[0], weight.shape[1]] },
  );
  const isIn = membership(call, call.cast(indices, 'int64'), call.cast(offsets, 'int64'));
  const weights = args.optionalTensor('per_sample_weights');
  const weighted = weights ? call.op('Mul', [rows, call.unsqueeze(weights, [1])]) : rows;
  const result = { shape: call.meta.shape };
  const nothing = call.metas
    .slice(1)
    .map(({ dtype, shape }) => call.constant(Tensor.zeros(dtype, shape as number[])));
  if (args.number('mode') < 2) {
    const sums = call.op('MatMul', [call.cast(isIn, 'float32'), weighted], {}, result);
    if (args.number('mode') === 0) return [sums, ...nothing];
    const counts = call.reduce('ReduceSum', call.cast(isIn, 'float32'), [1], true);
    return [call.op('Div', [sums, call.op('Max', [counts, call.scalar(1, 'float32')])]), ...nothing];
  }
  const each = call.where(
    call.unsqueeze(isIn, [2]),
    weighted,
    call.scalar(Number.NEGATIVE_INFINITY, 'float32'),
  );
  const shape = [offsets.shape[0], indices.shape[0], weight.shape[1]];
  const largest = call.op('Identity', [each], {}, { shape });
  const most = call.reduce('ReduceMax', largest, [1], false);
  const isEmpty = call.ask('Equal', most, call.scalar(Number.NEGATIVE_INFINITY, 'float32'));
  return [call.where(isEmpty, call.scalar(0, 'float32'), most), ...nothing];
}

/** Whether a bag, by rows, has an index, by columns. */
function membership(call: OnnxCall, indices: OnnxValue, offsets: OnnxValue): OnnxValue {
  const { args } = call;
  const [count] = indices.shape;
  const places = call.op(
    'Range',
    [call.scalar(0, 'int64'), call.size(count), call.scalar(1, 'int64')],
    {},
    { shape: [count] },
  );
  const total = call.sizes([count]);
  const hasEnd = args.bool('include_last_offset');
  const starts = hasEnd ? call.slice(offsets, 0, 0, -1) : offsets;
  const ends = hasEnd ? call.slice(offsets, 0, 1) : call.concat([call.slice(offsets, 0, 1), total], 0);
  const isFrom = call.ask('GreaterOrEqual', places, call.unsqueeze(starts, [1]));
  const isBefore = call.ask('Less', places, call.unsqueeze(ends, [1]));
  const shape = [call.meta.shape[0], count];
  const isIn = call.op('And', [isFrom, isBefore], {}, { shape });
  const padding = args.schema.arguments.some(({ name }) => name === 'padding_idx')
    ? args.optionalNumber('padding_idx')
    : null;
  const rows = args.tensor('weight').shape[0];
  const hasPlain = args.schema.name.includes('_embedding_bag');
  if (padding === null || (hasPlain && padding < 0)) return isIn;
  const row = padding < 0 ? padding + call.static(rows, 'the number of rows') : padding;
  const isOther = call.ask('Not', call.ask('Equal', indices, call.scalar(row, 'int64')));
  return call.op('And', [isIn, isOther], {}, { shape });
}

/** Whether two shapes are the same. */
export const isShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dimsEqual(dim, b[axis]));

/** Operators that choose elements by their positions. */
export const indexingEmitters: OnnxEmitters = {
  'aten.gather.default': (call) =>
    call.op('GatherElements', [call.self, call.args.tensor('index')], { axis: call.axis }),
  'aten.take_along_dim.default': alongAxis,
  'aten.index_select.default': indexSelect,
  'aten.index.Tensor': byTensors,
  'aten.embedding.default': (call) =>
    call.op('Gather', [call.args.tensor('weight'), call.args.tensor('indices')], { axis: 0 }),
  'aten.one_hot.default': oneHot,
  ...Object.fromEntries(embeddingBagOperators.map((name) => [name, embeddingBag])),
};
