import { type Dim, dependsOnValues } from '../../../../graph/index.ts';
import { type DType, integerRange, isFloatingPoint, Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorReader, OperatorTable } from '../call.ts';
import { axesOf } from '../forms.ts';
import type { OnnxValue } from '../values.ts';
import { padWith, replaced, upTo } from './common.ts';

interface Extents {
  readonly axes: readonly number[];
  readonly keepdims: boolean;
}

type Reduce = (call: OnnxCall, x: OnnxValue, extents: Extents) => OnnxValue;

/** A reduction whose axes are an input since that operator set; no axes are all, or none where the node says so. */
const reduction =
  (
    inputSince: number,
    reduce: Reduce,
    ofNone: (call: OnnxCall, x: OnnxValue) => OnnxValue = (_, x) => x,
  ): OperatorReader =>
  (call) => {
    const x = call.input(0);
    const rank = x.shape.length;
    const given = call.opset >= inputSince && call.optional(1) ? call.numbers(1, 'the axes') : undefined;
    const named = axesOf(call, given, inputSince) ?? [];
    if (named.length === 0 && call.attributes.int('noop_with_empty_axes', 0) === 1) return ofNone(call, x);
    const axes = named.length > 0 ? named.map((axis) => call.axis(axis, rank)) : upTo(rank);
    // Of one number there is nothing to reduce.
    if (rank === 0) return ofNone(call, x);
    return reduce(call, x, { axes, keepdims: call.attributes.int('keepdims', 1) === 1 });
  };

/** PyTorch sums and multiplies integers in int64, ONNX in their own dtype. */
const ownDtype = ({ dtype }: OnnxValue): Readonly<Record<string, string>> =>
  isFloatingPoint(dtype) || dtype === 'int64' ? {} : { dtype };

const sum: Reduce = (call, x, { axes, keepdims }) =>
  call.callWith('aten.sum.dim_IntList', [x, axes, keepdims], ownDtype(x));
const mean: Reduce = (call, x, { axes, keepdims }) => call.call('aten.mean.dim', x, axes, keepdims);
const square = (call: OnnxCall, x: OnnxValue) => call.call('aten.square.default', x);
const absolute = (call: OnnxCall, x: OnnxValue) => call.call('aten.abs.default', x);

/** Of nothing the largest is the least number that there is, and the other way round: that number under a shape. */
function extremumOfNothing(call: OnnxCall, dtype: DType, isMax: boolean, shape: readonly Dim[]): OnnxValue {
  const range = integerRange(dtype) ?? { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  if (!isFloatingPoint(dtype) && !integerRange(dtype))
    throw new Error(`an extremum of nothing has no value in ${dtype}`);
  const value = Tensor.from(
    dtype,
    [isMax ? range.min : range.max],
    shape.map(() => 1),
  );
  return call.call('aten.expand.default', call.constant(value), shape);
}

function ofNothing(call: OnnxCall, x: OnnxValue, { axes, keepdims }: Extents, isMax: boolean): OnnxValue {
  const shape = x.shape.flatMap((dim, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [dim]));
  return extremumOfNothing(call, x.dtype, isMax, shape);
}

/** With one more element that changes no extremum along each axis of which values may leave nothing. */
function withLeast(call: OnnxCall, x: OnnxValue, axes: readonly number[], isMax: boolean): OnnxValue {
  return axes
    .filter((axis) => dependsOnValues(x.shape[axis]))
    .reduce((wide, axis) => {
      const edge = extremumOfNothing(call, x.dtype, isMax, replaced(wide.shape, axis, 1));
      return call.call('aten.cat.default', [wide, edge], axis);
    }, x);
}

/** PyTorch reduces the largest of several axes of numbers only. */
const extremum =
  (target: string): Reduce =>
  (call, x, extents) => {
    const { axes, keepdims } = extents;
    const isMax = target.includes('amax');
    if (axes.some((axis) => x.shape[axis] === 0)) return ofNothing(call, x, extents, isMax);
    if (x.dtype !== 'bool') return call.call(target, withLeast(call, x, axes, isMax), axes, keepdims);
    return call.cast(call.call(target, call.cast(x, 'float32'), axes, keepdims), 'bool');
  };

/** One axis after the other, the last one first so that the others keep their numbers. */
const product: Reduce = (call, x, { axes, keepdims }) =>
  [...axes]
    .sort((a, b) => b - a)
    .reduce((value, axis) => call.callWith('aten.prod.dim_int', [value, axis, keepdims], ownDtype(x)), x);

/** `log(sum(exp(x)))` without overflow: of the differences to the largest. */
const logSumExp: Reduce = (call, x, extents) => {
  const { axes, keepdims } = extents;
  if (axes.some((axis) => x.shape[axis] === 0)) return ofNothing(call, x, extents, true);
  const largest = call.call('aten.amax.default', x, axes, true);
  const scaled = call.call('aten.exp.default', call.call('aten.sub.Tensor', x, largest));
  const logs = call.call('aten.log.default', call.call('aten.sum.dim_IntList', scaled, axes, true));
  const result = call.call('aten.add.Tensor', logs, largest);
  return keepdims ? result : call.call('aten.squeeze.dims', result, axes);
};

const argument =
  (name: string): OperatorReader =>
  (call) => {
    const x = call.input(0);
    const axis = call.axis(call.attributes.int('axis', 0), x.shape.length);
    const keepdims = call.attributes.int('keepdims', 1) === 1;
    if (call.attributes.int('select_last_index', 0) === 0)
      return call.call(`aten.${name}.default`, x, axis, keepdims);
    const extent = call.static(x.shape[axis], 'the extent');
    const fromEnd = call.call(
      `aten.${name}.default`,
      call.call('aten.flip.default', x, [axis]),
      axis,
      keepdims,
    );
    return call.call('aten.sub.Tensor', call.constant(Tensor.scalar('int64', extent - 1)), fromEnd);
  };

/** Sums up to each element; without the element itself where they are exclusive. */
function cumulativeSum(call: OnnxCall): OnnxValue {
  const given = call.input(0);
  const rank = given.shape.length;
  const axis = call.axis(call.number(1, 'the axis'), rank);
  const [isExclusive, isReversed] = ['exclusive', 'reverse'].map(
    (name) => call.attributes.int(name, 0) === 1,
  );
  const flip = (value: OnnxValue) => (isReversed ? call.call('aten.flip.default', value, [axis]) : value);
  const x = flip(given);
  const along = (amount: number) => upTo(rank).map((each) => (each === axis ? amount : 0));
  const summed = isExclusive ? padWith(call, x, along(1), along(-1), 0) : x;
  return flip(call.callWith('aten.cumsum.default', [summed, axis], ownDtype(given)));
}

/** Sums, means, norms and the like over some axes; positions of extremes. */
export const reductionReaders: OperatorTable = {
  ReduceSum: reduction(13, sum),
  ReduceMean: reduction(18, mean),
  ReduceMax: reduction(18, extremum('aten.amax.default')),
  ReduceMin: reduction(18, extremum('aten.amin.default')),
  ReduceProd: reduction(18, product),
  ReduceL1: reduction(18, (call, x, extents) => sum(call, absolute(call, x), extents), absolute),
  ReduceL2: reduction(
    18,
    (call, x, extents) => call.call('aten.sqrt.default', sum(call, square(call, x), extents)),
    absolute,
  ),
  ReduceSumSquare: reduction(18, (call, x, extents) => sum(call, square(call, x), extents), square),
  ReduceLogSum: reduction(
    18,
    (call, x, extents) => call.call('aten.log.default', sum(call, x, extents)),
    (call, x) => call.call('aten.log.default', x),
  ),
  ReduceLogSumExp: reduction(18, logSumExp),
  ArgMax: argument('argmax'),
  ArgMin: argument('argmin'),
  CumSum: cumulativeSum,
};
