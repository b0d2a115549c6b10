import { isFloatingPoint } from '../../../../tensor/index.ts';
import { scatterReductions } from '../../names.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { floorDivide } from './arithmetic.ts';
import { isShape, placesOf } from './indexing.ts';

/** What is written where along the axis `dim`, an index for each element, and how it is combined with what was there. */
interface Writing {
  readonly indices: OnnxValue;
  /** Of the shape of the indices. */
  readonly updates: OnnxValue;
  /** PyTorch's name; 'set' replaces. */
  readonly reduce: string;
  readonly includeSelf: boolean;
}

/** What changes nothing when it is combined. */
const neutral: Readonly<Record<string, number>> = {
  sum: 0,
  mean: 0,
  prod: 1,
  amax: Number.NEGATIVE_INFINITY,
  amin: Number.POSITIVE_INFINITY,
};

function scatter(call: OnnxCall, data: OnnxValue, { indices, updates, reduce }: Writing): OnnxValue {
  const { axis } = call;
  if (reduce === 'set') return call.op('ScatterElements', [data, indices, updates], { axis });
  const reduction = scatterReductions[reduce];
  if (!reduction) throw new Error(`ONNX has no reduction '${reduce}' of what is written to a position`);
  call.since(reduction === 'add' || reduction === 'mul' ? 16 : 18, `ScatterElements with '${reduction}'`);
  return call.op('ScatterElements', [data, indices, updates], { axis, reduction });
}

function write(call: OnnxCall, writing: Writing): OnnxValue {
  const { reduce, includeSelf, updates, indices } = writing;
  const self = call.cast(call.self, updates.dtype);
  const everywhere = (value: number) =>
    call.expand(call.scalar(limited(value, updates), updates.dtype), updates.shape);
  const base = includeSelf
    ? self
    : scatter(call, self, { ...writing, updates: everywhere(neutral[reduce]), reduce: 'set' });
  if (reduce !== 'mean') return scatter(call, base, writing);
  const sums = scatter(call, base, { ...writing, reduce: 'sum' });
  const start = call.expand(call.scalar(includeSelf ? 1 : 0, updates.dtype), call.self.shape);
  const counts = scatter(call, start, { indices, updates: everywhere(1), reduce: 'sum', includeSelf: true });
  const divisor = call.op('Max', [counts, call.scalar(1, updates.dtype)]);
  return isFloatingPoint(updates.dtype) ? call.op('Div', [sums, divisor]) : floorDivide(call, sums, divisor);
}

/** Integers have no infinities: their ends stand for these. */
function limited(value: number, { dtype }: OnnxValue): number {
  if (Number.isFinite(value) || isFloatingPoint(dtype)) return value;
  const most = { int64: Number.MAX_SAFE_INTEGER, int32: 2 ** 31 - 1, int16: 32767, int8: 127, uint8: 255 };
  const end = most[dtype as keyof typeof most] ?? 65535;
  if (value > 0) return end;
  return dtype.startsWith('u') ? 0 : -end;
}

/** A number for each index, or the part of a tensor that the indices cover. */
function updatesFor(call: OnnxCall, indices: OnnxValue, name: string): OnnxValue {
  const dtype = call.working('Where');
  if (typeof call.args.raw(name) === 'number') return call.expand(call.operand(name, dtype), indices.shape);
  const source = call.operand(name, dtype);
  if (isShape(source.shape, indices.shape)) return source;
  return upTo(source.rank).reduce(
    (part, axis) =>
      String(source.shape[axis]) === String(indices.shape[axis])
        ? part
        : call.slice(part, axis, 0, indices.shape[axis]),
    source,
  );
}

const older: Readonly<Record<string, string>> = { add: 'sum', multiply: 'prod' };

/** An index for each element. */
const byElements =
  (name: string, reduceOf: (call: OnnxCall) => string): OnnxEmitter =>
  (call) => {
    const indices = call.args.tensor('index');
    const hasOption = call.args.schema.arguments.some((argument) => argument.name === 'include_self');
    return write(call, {
      indices,
      updates: updatesFor(call, indices, name),
      reduce: reduceOf(call),
      includeSelf: !hasOption || call.args.bool('include_self'),
    });
  };

/** Positions along the axis, whole rows of the others. */
const byRows =
  (name: string, reduceOf: (call: OnnxCall) => string): OnnxEmitter =>
  (call) => {
    const { args, self, axis } = call;
    const index = args.tensor('index');
    const count = index.shape[0] ?? 1;
    const shape = self.shape.with(axis, count);
    const along = call.reshape(
      index,
      shape.map((_, i) => (i === axis ? count : 1)),
    );
    const hasOption = args.schema.arguments.some((argument) => argument.name === 'include_self');
    return write(call, {
      indices: call.expand(along, shape),
      updates: call.expand(call.operand(name, call.working('Where')), shape),
      reduce: reduceOf(call),
      includeSelf: !hasOption || args.bool('include_self'),
    });
  };

/** `tensor[i, :, j] = values` */
function byTensors(call: OnnxCall): OnnxValue {
  const { order, indices, common, position } = placesOf(call);
  const self = call.cast(call.self, call.working('Where'));
  const rest = order.slice(order.length - (self.rank - (indices.shape.at(-1) as number)));
  const around = rest.map((axis) => self.shape[axis]);
  const wanted = [...around.slice(0, position), ...common, ...around.slice(position)];
  const values = call.expand(call.operand('values', self.dtype), wanted);
  const count = common.length;
  const first = upTo(count).map((i) => position + i);
  const updates = call.transpose(values, [
    ...first,
    ...upTo(wanted.length).filter((axis) => !first.includes(axis)),
  ]);
  const adds = call.args.bool('accumulate');
  if (adds) call.since(16, "ScatterND with 'add'");
  const written = call.op(
    'ScatterND',
    [call.transpose(self, order), indices, updates],
    adds ? { reduction: 'add' } : {},
  );
  return call.transpose(
    written,
    upTo(self.rank).map((axis) => order.indexOf(axis)),
  );
}

const set = () => 'set';
const sum = () => 'sum';
const named = ({ args }: OnnxCall): string => args.string('reduce');
const olderName = ({ args }: OnnxCall): string => older[args.string('reduce')] ?? args.string('reduce');

/** Operators that write elements to positions. */
export const scatteringEmitters: OnnxEmitters = {
  'aten.scatter.src': byElements('src', set),
  'aten.scatter.value': byElements('value', set),
  'aten.scatter.reduce': byElements('src', olderName),
  'aten.scatter.value_reduce': byElements('value', olderName),
  'aten.scatter_add.default': byElements('src', sum),
  'aten.scatter_reduce.two': byElements('src', named),
  'aten.index_add.default': byRows('source', sum),
  'aten.index_copy.default': byRows('source', set),
  'aten.index_reduce.default': byRows('source', named),
  'aten.index_fill.int_Scalar': byRows('value', set),
  'aten.index_fill.int_Tensor': byRows('value', set),
  'aten.index_put.default': byTensors,
};
