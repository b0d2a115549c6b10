import { addDims, type Dim, SymInt } from '../../../../graph/index.ts';
import { arrayTypeOf, type DType, Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { sliceRange } from '../folding/movement.ts';
import { splitSizes } from '../forms.ts';
import type { OnnxValue } from '../values.ts';
import { padWith, positionsOf, replaced, upTo } from './common.ts';

function concat(call: OnnxCall): OnnxValue {
  const given = call.all();
  const axis = call.axis(call.attributes.int('axis', 1), given[0].shape.length);
  // Nothing to add, of any shape: exporters begin lists so.
  const parts = given.filter(({ shape }) => shape[axis] !== 0);
  if (parts.length === 0) return given[0];
  return parts.length === 1 ? parts[0] : call.call('aten.cat.default', parts, axis);
}

function split(call: OnnxCall): readonly OnnxValue[] {
  const x = call.input(0);
  const axis = call.axis(call.attributes.int('axis', 0), x.shape.length);
  const extent = call.static(x.shape[axis], 'the extent that is split');
  const given = call.opset >= 13 && call.optional(1) ? call.numbers(1, 'the parts') : undefined;
  const parts = splitSizes(call, extent, given, call.wanted.length)!;
  if (parts.length < call.wanted.length)
    throw new Error(`${parts.length} parts do not make ${call.wanted.length} outputs`);
  return call.calls('aten.split_with_sizes.default', x, parts, axis);
}

/** Positions like these mean "to the end", whatever the extent is. */
const isFar = (at: Dim): at is number => typeof at === 'number' && Math.abs(at) >= 2 ** 31 - 1;

function sliceAxis(
  call: OnnxCall,
  x: OnnxValue,
  axis: number,
  start: Dim,
  end: Dim,
  step: number,
): OnnxValue {
  const extent = x.shape[axis];
  if (step > 0) {
    const from = isFar(start) && start < 0 ? 0 : start;
    const to = isFar(end) && end > 0 ? Number.MAX_SAFE_INTEGER : end;
    const isWhole = from === 0 && to === Number.MAX_SAFE_INTEGER && step === 1;
    return isWhole ? x : call.call('aten.slice.Tensor', x, axis, from, to, step);
  }
  const flipped = call.call('aten.flip.default', x, [axis]);
  if (extent instanceof SymInt || start instanceof SymInt || end instanceof SymInt) {
    const isWhole = (start === -1 || isFar(start)) && isFar(end);
    if (!isWhole) throw new Error('a slice that runs backwards needs bounds and extents that are known');
    return step === -1
      ? flipped
      : call.call('aten.slice.Tensor', flipped, axis, 0, Number.MAX_SAFE_INTEGER, -step);
  }
  const { from, count } = sliceRange(extent, start, end, step);
  const first = extent - 1 - from;
  if (step === -1 && count === extent) return flipped;
  return call.call('aten.slice.Tensor', flipped, axis, first, first + count * -step, -step);
}

/** Bounds of several axes: attributes before operator set 10, inputs since. */
function slice(call: OnnxCall): OnnxValue {
  const { attributes } = call;
  const isOld = call.opset < 10;
  const starts = isOld ? attributes.ints('starts') : call.sizes(1, 'the starts');
  const ends = isOld ? attributes.ints('ends') : call.sizes(2, 'the ends');
  const x = call.input(0);
  const axes = isOld
    ? attributes.ints('axes', upTo(starts.length))
    : call.optional(3)
      ? call.numbers(3, 'the axes')
      : upTo(starts.length);
  const steps = !isOld && call.optional(4) ? call.numbers(4, 'the steps') : starts.map(() => 1);
  return starts.reduce<OnnxValue>(
    (value, start, i) => sliceAxis(call, value, call.axis(axes[i], x.shape.length), start, ends[i], steps[i]),
    x,
  );
}

/** Amounts for each axis, at its start and at its end. */
interface Pads {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function padsOf(call: OnnxCall, amounts: readonly number[]): Pads {
  const rank = call.input(0).shape.length;
  const axes = call.optional(3)
    ? call.numbers(3, 'the axes').map((axis) => call.axis(axis, rank))
    : upTo(rank);
  if (amounts.length !== 2 * axes.length)
    throw new Error(`the pads must be ${2 * axes.length} numbers, got [${amounts.join(', ')}]`);
  const at = (axis: number, side: number) => {
    const i = axes.indexOf(axis);
    return i < 0 ? 0 : amounts[i + side * axes.length];
  };
  return { before: upTo(rank).map((axis) => at(axis, 0)), after: upTo(rank).map((axis) => at(axis, 1)) };
}

function padBy(call: OnnxCall, amounts: readonly number[], value: number): OnnxValue {
  const x = call.input(0);
  const pads = padsOf(call, amounts);
  const axes = upTo(x.shape.length).filter((axis) => pads.before[axis] !== 0 || pads.after[axis] !== 0);
  if (axes.length === 0) return x;
  const mode = call.attributes.string('mode', 'constant');
  if (mode === 'constant') return padWith(call, x, pads.before, pads.after, value);
  const atEnd = reflectionAtEnd(call, x, mode, pads, axes);
  return atEnd ?? axes.reduce((padded, axis) => padAxis(call, padded, axis, mode, pads), x);
}

/** PyTorch pads the last one to three dimensions so, where one or two are left in front. */
function reflectionAtEnd(
  call: OnnxCall,
  x: OnnxValue,
  mode: string,
  { before, after }: Pads,
  axes: readonly number[],
): OnnxValue | undefined {
  const name = { reflect: 'reflection', edge: 'replication' }[mode];
  const count = x.shape.length - Math.min(...axes);
  const isPossible = axes.every((axis) => before[axis] >= 0 && after[axis] >= 0);
  if (!name || !isPossible || count > 2 || x.shape.length !== count + 2) return undefined;
  const fromLast = upTo(count).flatMap((i) => [before.at(-1 - i)!, after.at(-1 - i)!]);
  return call.call(`aten.${name}_pad${count}d.default`, x, fromLast);
}

/** One axis, by the positions that its elements come from. */
function padAxis(
  call: OnnxCall,
  x: OnnxValue,
  axis: number,
  mode: string,
  { before, after }: Pads,
): OnnxValue {
  const extent = call.static(x.shape[axis], 'an extent that is padded');
  const count = extent + before[axis] + after[axis];
  if (count < 0 || extent === 0) throw new Error(`nothing of axis ${axis} is left after padding`);
  const positions = upTo(count).map((i) => sourceOf(i - before[axis], extent, mode));
  return positionsOf(call, x, axis, positions);
}

/** The element that stands at a position before 0 or behind the end. */
function sourceOf(at: number, extent: number, mode: string): number {
  const wrapped = (position: number, period: number) => ((position % period) + period) % period;
  if (mode === 'edge') return Math.min(Math.max(at, 0), extent - 1);
  if (mode === 'wrap') return wrapped(at, extent);
  if (mode !== 'reflect') throw new Error(`the mode '${mode}' is unknown`);
  if (extent === 1) return 0;
  const inPeriod = wrapped(at, 2 * extent - 2);
  return inPeriod < extent ? inPeriod : 2 * extent - 2 - inPeriod;
}

function pad(call: OnnxCall): OnnxValue {
  const value = call.optional(2) ? call.number(2, 'the value') : 0;
  return padBy(call, call.numbers(1, 'the pads'), value);
}

const padByAttributes = (call: OnnxCall): OnnxValue =>
  padBy(call, call.attributes.ints('pads'), call.attributes.float('value', 0));

/** Cut or padded around the middle, axis by axis. */
function centerCropPad(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const rank = x.shape.length;
  const axes = call.attributes.ints('axes', upTo(rank)).map((axis) => call.axis(axis, rank));
  const wanted = call.numbers(1, 'the shape');
  return axes.reduce<OnnxValue>((value, axis, i) => {
    const extent = call.static(x.shape[axis], 'an extent');
    const missing = wanted[i] - extent;
    if (missing === 0) return value;
    if (missing < 0) {
      const start = Math.floor(-missing / 2);
      return call.call('aten.slice.Tensor', value, axis, start, start + wanted[i], 1);
    }
    const before = Math.floor(missing / 2);
    const along = (amount: number) => replaced(Array<number>(rank).fill(0), axis, amount);
    return padWith(call, value, along(before), along(missing - before), 0);
  }, x);
}

/** The first elements along an axis, of each sample as many as it has, in reverse; the rest stays. */
function reverseSequence(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const rank = x.shape.length;
  const [time, batch] = [call.attributes.int('time_axis', 0), call.attributes.int('batch_axis', 1)];
  const lengths = call.numbers(1, 'the lengths');
  const extents = [batch, time].map((axis) => call.static(x.shape[axis], 'an extent'));
  const [samples, steps] = extents;
  const positions = lengths.flatMap((length, sample) =>
    upTo(steps).map((i) => sample * steps + (i < length ? length - 1 - i : i)),
  );
  const order = [batch, time, ...upTo(rank).filter((axis) => axis !== batch && axis !== time)];
  const moved = call.call('aten.permute.default', x, order);
  const rest = moved.shape.slice(2);
  const rows = call.reshape(moved, [samples * steps, ...rest]);
  const chosen = call.reshape(positionsOf(call, rows, 0, positions), moved.shape);
  return call.call(
    'aten.permute.default',
    chosen,
    upTo(rank).map((axis) => order.indexOf(axis)),
  );
}

/** One triangle of a matrix; the rest is 0. */
function triangle(call: OnnxCall): OnnxValue {
  if (call.input(0).shape.includes(0)) return call.input(0);
  const [shift] = call.optional(1) ? call.sizes(1, 'the diagonal') : [0];
  const isUpper = call.attributes.int('upper', 1) === 1;
  if (shift instanceof SymInt) return triangleOfSizes(call, shift, isUpper);
  return call.call(isUpper ? 'aten.triu.default' : 'aten.tril.default', call.input(0), shift);
}

/** The same from a diagonal that is known when a request arrives: by comparing the numbers of rows and columns. */
function triangleOfSizes(call: OnnxCall, shift: SymInt, isUpper: boolean): OnnxValue {
  const x = call.input(0);
  const [rows, columns] = x.shape.slice(-2);
  const count = (from: Dim, to: Dim) =>
    call.callWith('aten.arange.start_step', [from, to, 1], { dtype: 'int64' });
  const row = call.call('aten.unsqueeze.default', count(shift, addDims(rows, shift)), 1);
  const column = count(0, columns);
  const isKept = isUpper
    ? call.call('aten.ge.Tensor', column, row)
    : call.call('aten.le.Tensor', column, row);
  return call.call('aten.where.self', isKept, x, call.constant(zero(x.dtype)));
}

const zero = (dtype: DType): Tensor => new Tensor(dtype, new (arrayTypeOf(dtype))(1), []);

/** Columns added up where they were windows of an image. */
function columnsToImage(call: OnnxCall): OnnxValue {
  const { attributes } = call;
  const size = call.numbers(1, 'the size of the image');
  const kernel = call.numbers(2, 'the size of the windows');
  if (size.length !== 2) throw new Error(`images of ${size.length} dimensions are not supported`);
  const pads = attributes.ints('pads', [0, 0, 0, 0]);
  if (pads[0] !== pads[2] || pads[1] !== pads[3])
    throw new Error(`pads [${pads.join(', ')}] that differ at both ends are not supported`);
  const [dilation, stride] = ['dilations', 'strides'].map((name) => attributes.ints(name, [1, 1]));
  return call.call('aten.col2im.default', call.input(0), size, kernel, dilation, pads.slice(0, 2), stride);
}

/** Operators that join, cut and pad. */
export const movementReaders: OperatorTable = {
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: { 1: padByAttributes, 11: pad },
  CenterCropPad: centerCropPad,
  ReverseSequence: reverseSequence,
  Trilu: triangle,
  Col2Im: { 18: columnsToImage },
};
