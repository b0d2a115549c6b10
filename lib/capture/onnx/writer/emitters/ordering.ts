import type { Dim } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { number } from './functions.ts';

/** The tensor with at least one axis, in a dtype that the operator orders. */
function lanes(call: OnnxCall, opType: string): OnnxValue {
  const x = call.cast(call.self, call.working(opType, call.self.dtype));
  return x.rank === 0 ? call.reshape(x, [1]) : x;
}

/** The place of an extremum; without a named axis, among all elements. */
function place(call: OnnxCall, name: 'Max' | 'Min'): OnnxValue {
  const { args, meta } = call;
  const x = lanes(call, `Arg${name}`);
  const isWhole = args.isNone('dim');
  const flat = isWhole ? call.op('Reshape', [x, call.integers([-1])]) : x;
  const attributes = { axis: isWhole ? 0 : call.axis, keepdims: args.bool('keepdim') ? 1 : 0 };
  const at = call.op(`Arg${name}`, [flat], attributes, { dtype: 'int64', shape: meta.shape });
  return isWhole || call.self.rank === 0 ? call.op('Reshape', [at, call.sizes(meta.shape)]) : at;
}

const extremum =
  (name: 'Max' | 'Min'): OnnxEmitter =>
  (call) => {
    const { self } = call;
    const at = place(call, name);
    if (self.rank === 0) return [self, at];
    const isBool = self.dtype === 'bool';
    const x = call.cast(self, isBool ? 'int32' : call.working(`Reduce${name}`, self.dtype));
    const values = call.reduce(`Reduce${name}`, x, [call.axis], call.args.bool('keepdim'));
    return [call.cast(values, self.dtype), at];
  };

interface Order {
  readonly count: Dim;
  readonly largest: boolean;
  readonly sorted: boolean;
}

/** The first elements in an order, and their places. Of equal ones the first comes first, as in stable sorts. */
function ordered(call: OnnxCall, { count, largest, sorted }: Order): readonly OnnxValue[] {
  const { self, metas } = call;
  const axis = self.rank === 0 ? 0 : call.args.number('dim');
  const x = lanes(call, 'TopK');
  const shape = metas[0].shape.length === 0 ? [1] : metas[0].shape;
  const attributes = { axis, largest: Number(largest), sorted: Number(sorted) };
  const [values, places] = call.ops('TopK', [x, call.sizes([count])], attributes, [
    { dtype: x.dtype, shape },
    { dtype: 'int64', shape },
  ]);
  if (self.rank === 0) return [values, places].map((value) => call.squeeze(value, [0]));
  return [call.cast(values, self.dtype), places];
}

const sort: OnnxEmitter = (call) => {
  const { self, args } = call;
  const count = self.rank === 0 ? 1 : self.shape[call.axis];
  return ordered(call, { count, largest: args.bool('descending'), sorted: true });
};

const topK: OnnxEmitter = (call) => {
  const { args } = call;
  return ordered(call, { count: args.dim('k'), largest: args.bool('largest'), sorted: args.bool('sorted') });
};

const places: OnnxEmitter = (call) => (sort(call) as readonly OnnxValue[])[1];

function cumulativeSum(call: OnnxCall): OnnxValue {
  const x = call.cast(call.self, call.working('CumSum'));
  if (x.rank === 0) return x;
  return call.op('CumSum', [x, call.scalar(call.axis, 'int64')]);
}

/** For each position the product of a row in which what comes after it is 1. */
function cumulativeProduct(call: OnnxCall): OnnxValue {
  const x = call.cast(call.self, call.working('ReduceProd'));
  if (x.rank === 0) return x;
  const { axis } = call;
  const count = call.static(x.shape[axis], 'the extent of a running product');
  const after = x.rank - axis - 1;
  const isSeen = upTo(count).flatMap((i) => upTo(count).map((j) => Number(j <= i)));
  const mask = Tensor.from('bool', isSeen, [count, count, ...Array(after).fill(1)]);
  const rows = call.unsqueeze(x, [axis]);
  const shape = x.shape.toSpliced(axis, 0, count);
  const kept = call.op(
    'Where',
    [call.constant(mask), rows, number(call, 1, x)],
    {},
    { dtype: x.dtype, shape },
  );
  return call.reduce('ReduceProd', kept, [axis + 1], false);
}

/** Operators that return places, elements in order, or running results. */
export const orderingEmitters: OnnxEmitters = {
  'aten.argmax.default': (call) => place(call, 'Max'),
  'aten.argmin.default': (call) => place(call, 'Min'),
  'aten.max.dim': extremum('Max'),
  'aten.min.dim': extremum('Min'),
  'aten.sort.default': sort,
  'aten.sort.stable': sort,
  'aten.argsort.default': places,
  'aten.argsort.stable': places,
  'aten.topk.default': topK,
  'aten.cumsum.default': cumulativeSum,
  'aten.cumprod.default': cumulativeProduct,
};
