import { mulDims } from '../../../../graph/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { number } from './functions.ts';

/** What a call reduces: the axes that it names, or all. */
interface Extents {
  readonly axes: readonly number[];
  readonly keepdim: boolean;
}

function extentsOf(call: OnnxCall): Extents {
  const { args, self } = call;
  const has = (name: string) => args.schema.arguments.some((argument) => argument.name === name);
  const named = has('dim') && !args.isNone('dim') ? ([args.raw('dim')].flat() as number[]) : [];
  return {
    axes: named.length > 0 ? named.map((axis) => call.axisOf(axis, self.rank)) : upTo(self.rank),
    keepdim: has('keepdim') && args.bool('keepdim'),
  };
}

const reduce = (call: OnnxCall, opType: string, x: OnnxValue, { axes, keepdim }: Extents): OnnxValue =>
  x.rank === 0 ? x : call.reduce(opType, x, axes, keepdim);

/** A reduction that ONNX has. */
const reduction =
  (opType: string): OnnxEmitter =>
  (call) =>
    reduce(call, opType, call.cast(call.self, call.working(opType)), extentsOf(call));

/** Whether any element is true, or all: the greatest or the least of zeros and ones. */
const truth =
  (opType: 'ReduceMax' | 'ReduceMin'): OnnxEmitter =>
  (call) => {
    const isTrue = call.cast(call.cast(call.self, 'bool'), 'int32');
    return call.cast(reduce(call, opType, isTrue, extentsOf(call)), 'bool');
  };

const countNonzero: OnnxEmitter = (call) =>
  reduce(call, 'ReduceSum', call.cast(call.cast(call.self, 'bool'), 'int64'), extentsOf(call));

interface Spread {
  readonly variance: OnnxValue;
  readonly mean: OnnxValue;
}

/** The mean of the squares of the distances to the mean, corrected for their number. */
function spreadOf(call: OnnxCall): Spread {
  const { args } = call;
  const x = call.cast(call.self, call.real);
  const extents = extentsOf(call);
  const mean = reduce(call, 'ReduceMean', x, { ...extents, keepdim: true });
  const distance = call.op('Sub', [x, mean]);
  const squares = reduce(call, 'ReduceSum', call.op('Mul', [distance, distance]), extents);
  const isCorrection = args.schema.arguments.some(({ name }) => name === 'correction');
  const correction = isCorrection ? (args.optionalNumber('correction') ?? 1) : Number(args.bool('unbiased'));
  const count = mulDims(...extents.axes.map((axis) => call.self.shape[axis]));
  const variance = call.op('Div', [squares, degrees(call, x, count, correction)]);
  const flat = extents.keepdim || x.rank === 0 ? mean : call.squeeze(mean, extents.axes);
  return { variance, mean: flat };
}

/** The number of elements less the correction, at least 0. */
function degrees(
  call: OnnxCall,
  x: OnnxValue,
  count: ReturnType<typeof mulDims>,
  correction: number,
): OnnxValue {
  if (typeof count === 'number') return number(call, Math.max(count - correction, 0), x);
  const all = call.cast(call.size(count), x.dtype);
  return call.op('Max', [call.op('Sub', [all, number(call, correction, x)]), number(call, 0, x)]);
}

const root = (call: OnnxCall, { variance, mean }: Spread): Spread => ({
  variance: call.op('Sqrt', [variance]),
  mean,
});

const overloads = (name: string, emit: OnnxEmitter): OnnxEmitters =>
  Object.fromEntries(['default', 'dim', 'correction'].map((each) => [`aten.${name}.${each}`, emit]));

/** The norm of that order. */
const norm =
  (argument: string | undefined): OnnxEmitter =>
  (call) => {
    const order = argument === undefined ? 2 : (call.args.optionalNumber(argument) ?? 2);
    const x = call.cast(call.self, call.real);
    const sizes = call.op('Abs', [x]);
    const over = (opType: string, value: OnnxValue) => reduce(call, opType, value, extentsOf(call));
    if (x.rank === 0) return sizes;
    if (order === 2) return over('ReduceL2', x);
    if (order === 1) return over('ReduceL1', x);
    if (order === 0) return over('ReduceSum', call.cast(call.cast(x, 'bool'), x.dtype));
    if (!Number.isFinite(order)) return over(order > 0 ? 'ReduceMax' : 'ReduceMin', sizes);
    const powers = over('ReduceSum', call.op('Pow', [sizes, number(call, order, x)]));
    return call.op('Pow', [powers, number(call, 1 / order, x)]);
  };

/** Of bool, whose largest is whether any is true. */
const extremum =
  (opType: 'ReduceMax' | 'ReduceMin'): OnnxEmitter =>
  (call) =>
    call.self.dtype === 'bool' ? truth(opType)(call) : reduction(opType)(call);

/** Of nothing but -inf, -inf: runtimes subtract the largest element first. */
function logSumExp(call: OnnxCall): OnnxValue {
  const x = call.cast(call.self, call.real);
  const extents = extentsOf(call);
  if (x.rank === 0) return x;
  const kept = { ...extents, keepdim: true };
  const largest = reduce(call, 'ReduceMax', x, kept);
  const isBounded = call.ask('Less', call.op('Abs', [largest]), number(call, Number.POSITIVE_INFINITY, x));
  const shift = call.where(isBounded, largest, number(call, 0, x));
  const sums = reduce(call, 'ReduceSum', call.op('Exp', [call.op('Sub', [x, shift])]), kept);
  const result = call.op('Add', [call.op('Log', [sums]), shift], {}, { shape: sums.shape });
  return extents.keepdim ? result : call.squeeze(result, extents.axes);
}

/** Operators under these names of ATen, all written alike. */
const named = (emit: OnnxEmitter, ...names: readonly string[]): OnnxEmitters =>
  Object.fromEntries(names.map((name) => [`aten.${name}`, emit]));

/** Sums, means, extremes, spreads and norms over some axes, or all. */
export const reductionEmitters: OnnxEmitters = {
  ...named(reduction('ReduceMean'), 'mean.default', 'mean.dim'),
  ...named(reduction('ReduceSum'), 'sum.default', 'sum.dim_IntList'),
  ...named(reduction('ReduceProd'), 'prod.default', 'prod.dim_int'),
  ...named(extremum('ReduceMax'), 'amax.default', 'max.default'),
  ...named(extremum('ReduceMin'), 'amin.default', 'min.default'),
  ...named(truth('ReduceMax'), 'any.default', 'any.dim', 'any.dims'),
  ...named(truth('ReduceMin'), 'all.default', 'all.dim', 'all.dims'),
  ...named(countNonzero, 'count_nonzero.default', 'count_nonzero.dim_IntList'),
  ...overloads('var', (call) => spreadOf(call).variance),
  ...overloads('std', (call) => root(call, spreadOf(call)).variance),
  ...overloads('var_mean', (call) => Object.values(spreadOf(call))),
  ...overloads('std_mean', (call) => Object.values(root(call, spreadOf(call)))),
  ...named(norm('ord'), 'linalg_vector_norm.default'),
  ...named(norm('p'), 'norm.Scalar', 'norm.ScalarOpt_dim', 'norm.ScalarOpt_dim_dtype'),
  ...named(norm(undefined), 'frobenius_norm.dim'),
  'aten.logsumexp.default': logSumExp,
};
