import { type Dim, mulDims, SymInt } from '../../../../graph/index.ts';
import { arrayTypeOf, numelOf, Tensor } from '../../../../tensor/index.ts';
import { dtypeOfOnnx, onnxTypeName } from '../../dtype.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { checkModest } from '../folding/elements.ts';
import { isModest } from '../graph-writer.ts';
import { ComputedValue, type OnnxValue, SizesValue } from '../values.ts';
import { upTo } from './common.ts';

/** A constant that is written into a node. */
function constant(call: OnnxCall): OnnxValue {
  const { attributes } = call;
  if (attributes.has('value')) return call.constant(attributes.tensor('value'));
  if (attributes.has('value_float'))
    return call.constant(Tensor.scalar('float32', attributes.float('value_float')));
  if (attributes.has('value_floats'))
    return call.constant(Tensor.from('float32', attributes.floats('value_floats')));
  if (attributes.has('value_int')) return call.constant(Tensor.scalar('int64', attributes.int('value_int')));
  if (attributes.has('value_ints')) return call.constant(Tensor.from('int64', attributes.ints('value_ints')));
  throw new Error('its value is neither a tensor nor numbers');
}

/** Sizes as a tensor of int64. */
function sizesOf(call: OnnxCall, dims: readonly Dim[], shape: readonly number[]): OnnxValue {
  const value = call.input(0);
  if (value instanceof ComputedValue) call.writer.learnSizes(value.node);
  if (dims.some((dim) => dim instanceof SymInt)) return new SizesValue('int64', shape, dims);
  return call.constant(Tensor.from('int64', dims as readonly number[], shape));
}

/** Since operator set 15 of some of the axes. */
function shape(call: OnnxCall): OnnxValue {
  const { shape: dims } = call.input(0);
  const rank = dims.length;
  const bound = (at: number) => Math.min(Math.max(at < 0 ? at + rank : at, 0), rank);
  const part = dims.slice(bound(call.attributes.int('start', 0)), bound(call.attributes.int('end', rank)));
  return sizesOf(call, part, [part.length]);
}

/** One value in every place. */
function constantOfShape(call: OnnxCall): OnnxValue {
  const dims = call.sizes(0, 'the shape');
  const value = call.attributes.has('value') ? call.attributes.tensor('value') : Tensor.scalar('float32', 0);
  if (value.numel !== 1) throw new Error(`the value must have one element, got [${value.shape.join(', ')}]`);
  const isKnown = dims.every((dim) => typeof dim === 'number');
  if (isKnown && isModest(dims as readonly number[], 1)) {
    const data = new (arrayTypeOf(value.dtype))(numelOf(dims as readonly number[]));
    (data as Uint8Array).fill(value.data[0] as number);
    return call.constant(new Tensor(value.dtype, data, dims as readonly number[]));
  }
  if (isKnown && dims.some((dim) => (dim as number) < 0))
    throw new Error(`the shape [${dims.join(', ')}] has a negative extent`);
  return call.call('aten.expand.default', call.constant(value.view(dims.map(() => 1))), [...dims]);
}

/** The numbers from `start` to `limit`, which may depend on sizes. */
function range(call: OnnxCall): OnnxValue {
  const { dtype } = call.input(0);
  const [start, limit, step] = ['the start', 'the limit', 'the step'].map(
    (what, i) => call.sizes(i, what)[0],
  );
  return call.callWith('aten.arange.start_step', [start, limit, step], { dtype });
}

/** Ones along a diagonal. */
function eyeLike(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const [rows, columns] = x.shape.map((dim) => call.static(dim, 'an extent of the matrix'));
  const code = call.attributes.int('dtype', 0);
  const dtype = code === 0 ? x.dtype : dtypeOfOnnx(code);
  if (!dtype || dtype === 'float16' || dtype === 'bfloat16')
    throw new Error(`a matrix of ${onnxTypeName(code)} is not supported`);
  checkModest([rows, columns], 0);
  const shift = call.attributes.int('k', 0);
  const values = upTo(rows * columns).map((i) => Number((i % columns) - Math.floor(i / columns) === shift));
  return call.constant(Tensor.from(dtype, values, [rows, columns]));
}

/** Constants and sizes. */
export const constantReaders: OperatorTable = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Shape: shape,
  Size: (call) => sizesOf(call, [mulDims(...call.input(0).shape)], []),
  Range: range,
  EyeLike: eyeLike,
};
