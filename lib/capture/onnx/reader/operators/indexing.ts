import { type Argument, type Dim, Node } from '../../../../graph/index.ts';
import { rowMajorStrides, Tensor } from '../../../../tensor/index.ts';
import { scatterReductions } from '../../names.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { ComputedValue, ConstantValue, type OnnxValue } from '../values.ts';
import { positionsOf, upTo } from './common.ts';
import { isWeight } from './quantized/weights.ts';

/** Rows of a table, positions along an axis, or one of them. */
function gather(call: OnnxCall): OnnxValue {
  const [data, indices] = [call.input(0), call.input(1)];
  const axis = call.axis(call.attributes.int('axis', 0), data.shape.length);
  if (indices instanceof ConstantValue) return gatherKnown(call, data, indices.tensor, axis);
  return lookUp(call, data, indices, axis);
}

/** Elements at computed positions of an axis. */
export function lookUp(call: OnnxCall, data: OnnxValue, indices: OnnxValue, axis: number): OnnxValue {
  // Table rows, as models look up words.
  if (axis === 0 && data.shape.length === 2 && isWeight(data))
    return call.call('aten.embedding.default', data, indices);
  // Of ATen's operators, the one that counts negative indices from the end.
  return call.call('aten.index.Tensor', data, [...Array<null>(axis).fill(null), indices]);
}

function gatherKnown(call: OnnxCall, data: OnnxValue, indices: Tensor, axis: number): OnnxValue {
  const positions = Array.from(indices.data as ArrayLike<number | bigint>, Number);
  if (indices.shape.length === 0) return call.call('aten.select.int', data, axis, positions[0]);
  const [first] = positions;
  const selected =
    positions.length === 1 && first < 0
      ? call.call('aten.slice.Tensor', data, axis, first, first === -1 ? Number.MAX_SAFE_INTEGER : first + 1)
      : positionsOf(call, data, axis, fromStart(call, positions, data.shape[axis]));
  if (indices.shape.length === 1) return selected;
  return call.reshape(selected, [
    ...data.shape.slice(0, axis),
    ...indices.shape,
    ...data.shape.slice(axis + 1),
  ]);
}

/** Positions counted from the start. */
function fromStart(call: OnnxCall, positions: readonly number[], extent: Dim): number[] {
  return positions.map((at) =>
    at < 0 ? at + call.static(extent, 'the extent that is counted from the end of') : at,
  );
}

/** Indices for operators of ATen that count none from the end, as ONNX does. */
function indicesOf(call: OnnxCall, input: number, extent: Dim): OnnxValue {
  const value = call.input(input);
  if (value instanceof ConstantValue) {
    const positions = fromStart(call, call.numbers(input, 'the indices'), extent);
    return call.constant(Tensor.from('int64', positions, value.shape));
  }
  if (isFromStart(call, value, extent)) return value;
  const number = (one: number) => call.constant(Tensor.scalar(value.dtype, one));
  const isNegative = call.call('aten.lt.Tensor', value, number(0));
  const moved = call.call('aten.add.Tensor', value, typeof extent === 'number' ? number(extent) : extent);
  return call.call('aten.where.self', isNegative, moved, value);
}

/** Whether a file's nodes turn negative indices into positions themselves, as exportOnnx writes what was read. */
function isFromStart(call: OnnxCall, value: OnnxValue, extent: Dim): boolean {
  if (!(value instanceof ComputedValue) || value.node.target !== 'aten.where.self') return false;
  const [isNegative, moved, given] = value.node.args;
  const isOf = (target: string, node: Argument, number: Dim) =>
    node instanceof Node &&
    node.target === target &&
    node.args[0] === given &&
    node.args[1] instanceof Node &&
    String(call.writer.module.attributes.get(node.args[1].target)?.toArray()) === String(number);
  return isOf('aten.lt.Tensor', isNegative, 0) && isOf('aten.add.Tensor', moved, extent);
}

function gatherElements(call: OnnxCall): OnnxValue {
  const data = call.input(0);
  const axis = call.axis(call.attributes.int('axis', 0), data.shape.length);
  return call.call('aten.gather.default', data, axis, indicesOf(call, 1, data.shape[axis]));
}

function scatterElements(call: OnnxCall): OnnxValue {
  const data = call.input(0);
  const axis = call.axis(call.attributes.int('axis', 0), data.shape.length);
  const indices = indicesOf(call, 1, data.shape[axis]);
  const reduction = call.attributes.string('reduction', 'none');
  if (reduction === 'none') return call.call('aten.scatter.src', data, axis, indices, call.input(2));
  const name = Object.keys(scatterReductions).find((each) => scatterReductions[each] === reduction);
  if (!name) throw new Error(`the reduction '${reduction}' is unknown`);
  return call.call('aten.scatter_reduce.two', data, axis, indices, call.input(2), name);
}

/** The last extent of the indices as one list of positions for each axis that it indexes. */
function columns(call: OnnxCall, indices: OnnxValue): readonly OnnxValue[] {
  call.expectRank(indices, 1);
  const count = call.static(indices.shape.at(-1)!, 'the last extent of the indices');
  return upTo(count).map((i) => call.call('aten.select.int', indices, -1, i));
}

function gatherNd(call: OnnxCall): OnnxValue {
  const [data, indices] = [call.input(0), call.input(1)];
  const batch = call.attributes.int('batch_dims', 0);
  if (batch > 0) return gatherNdOfBatches(call, batch);
  if (!(indices instanceof ConstantValue))
    return call.call('aten.index.Tensor', data, columns(call, indices));
  const count = indices.shape.at(-1)!;
  const extents = data.shape.slice(0, count).map((dim) => call.static(dim, 'an extent that is indexed'));
  const strides = rowMajorStrides(extents);
  const values = call.numbers(1, 'the indices');
  const positions = upTo(values.length / count).map((row) =>
    extents.reduce((at, extent, i) => {
      const index = values[row * count + i];
      return at + (index < 0 ? index + extent : index) * strides[i];
    }, 0),
  );
  const rest = data.shape.slice(count);
  const rows = call.reshape(data, [extents.reduce((a, b) => a * b, 1), ...rest]);
  const chosen = positionsOf(call, rows, 0, positions);
  return call.reshape(chosen, [...indices.shape.slice(0, -1), ...rest]);
}

/** Every batch indexes its own part: its number becomes one more index in front. */
function gatherNdOfBatches(call: OnnxCall, batch: number): OnnxValue {
  const [data, indices] = [call.input(0), call.input(1)];
  const lead = data.shape.slice(0, batch).map((dim) => call.static(dim, 'the extent of a batch'));
  const inner = indices.shape.length - 1 - batch;
  const numbers = lead.map((extent, axis) =>
    call.constant(
      Tensor.from('int64', upTo(extent), [
        ...lead.map((_, i) => (i === axis ? extent : 1)),
        ...Array(inner).fill(1),
      ]),
    ),
  );
  return call.call('aten.index.Tensor', data, [...numbers, ...columns(call, indices)]);
}

function scatterNd(call: OnnxCall): OnnxValue {
  const reduction = call.attributes.string('reduction', 'none');
  if (reduction !== 'none' && reduction !== 'add')
    throw new Error(`the reduction '${reduction}' is not supported`);
  const [data, indices, updates] = [0, 1, 2].map((i) => call.input(i));
  return call.call('aten.index_put.default', data, columns(call, indices), updates, reduction === 'add');
}

/** One value at the positions that the indices say, another one elsewhere. */
function oneHot(call: OnnxCall): OnnxValue {
  const depth = call.number(1, 'the depth');
  const [indices, values] = [call.input(0), call.input(2)];
  const rank = indices.shape.length + 1;
  const axis = call.axis(call.attributes.int('axis', -1), rank);
  const whole = call.cast(indices, 'int64');
  const apart = call.call('aten.unsqueeze.default', whole, axis);
  const at = call.call('aten.remainder.Tensor', apart, call.constant(Tensor.scalar('int64', depth)));
  const positions = call.constant(
    Tensor.from(
      'int64',
      upTo(depth),
      upTo(rank).map((i) => (i === axis ? depth : 1)),
    ),
  );
  const [off, on] = [0, 1].map((i) => call.call('aten.select.int', values, 0, i));
  return call.call('aten.where.self', call.call('aten.eq.Tensor', at, positions), on, off);
}

/** The largest or least elements along an axis, and where they are. */
function topK(call: OnnxCall): readonly OnnxValue[] {
  const k = call.opset >= 10 ? call.size(1, 'k') : call.attributes.int('k');
  const axis = call.attributes.int('axis', -1);
  const [largest, sorted] = ['largest', 'sorted'].map((name) => call.attributes.int(name, 1) === 1);
  return call.calls('aten.topk.default', call.input(0), k, axis, largest, sorted);
}

/** Operators that choose elements by their positions, or write to positions. */
export const indexingReaders: OperatorTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
  TopK: topK,
};
