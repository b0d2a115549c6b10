import { type Dim, mulDims } from '../../../../graph/index.ts';
import { dtypeOfOnnx, onnxTypeName } from '../../dtype.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { axesOf } from '../forms.ts';
import type { OnnxValue } from '../values.ts';
import { replaced, upTo } from './common.ts';

/** 0 keeps an extent, -1 is what is left. */
function reshapeTo(call: OnnxCall, wanted: readonly Dim[]): OnnxValue {
  const x = call.input(0);
  const keepsZero = call.attributes.int('allowzero', 0) === 1;
  const shape = wanted.map((dim, axis) => {
    if (dim !== 0 || keepsZero) return dim;
    if (axis >= x.shape.length)
      throw new Error(
        `the shape [${wanted.join(', ')}] copies extent ${axis}, which [${x.shape.join(', ')}] does not have`,
      );
    return x.shape[axis];
  });
  return call.reshape(x, shape);
}

/** Everything before the axis, and everything from it on. */
function flatten(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const given = call.attributes.int('axis', 1);
  const axis = given === x.shape.length ? given : call.axis(given, x.shape.length);
  if (axis === 1 && x.shape.length > 1) return call.call('aten.flatten.using_ints', x, 1);
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis)];
  return call.reshape(x, [mulDims(...before), mulDims(...after)]);
}

function transpose(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const order = call.attributes.ints('perm', upTo(x.shape.length).reverse());
  if (order.every((axis, i) => axis === i) && order.length === x.shape.length) return x;
  return call.call('aten.permute.default', x, order);
}

/** The axes that a node names, counted from the start. */
function namedAxes(call: OnnxCall, inputSince: number, rank: number): number[] | undefined {
  const input = call.opset >= inputSince && call.optional(1) ? call.numbers(1, 'the axes') : undefined;
  return axesOf(call, input, inputSince)?.map((axis) => call.axis(axis, rank));
}

function squeeze(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const axes =
    namedAxes(call, 13, x.shape.length) ?? upTo(x.shape.length).filter((axis) => x.shape[axis] === 1);
  for (const axis of axes)
    if (x.shape[axis] !== 1) throw new Error(`the extent ${x.shape[axis]} of axis ${axis} is not 1`);
  return axes.length === 0 ? x : call.call('aten.squeeze.dims', x, axes);
}

function unsqueeze(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const given = call.opset >= 13 ? call.numbers(1, 'the axes') : call.attributes.ints('axes');
  const rank = x.shape.length + given.length;
  const axes = given.map((axis) => call.axis(axis, rank)).sort((a, b) => a - b);
  if (new Set(axes).size < axes.length) throw new Error(`an axis appears twice in [${given.join(', ')}]`);
  return axes.reduce((value, axis) => call.call('aten.unsqueeze.default', value, axis), x);
}

/** float16 is computed in float32. */
function castTo(call: OnnxCall, code: number): OnnxValue {
  const dtype = dtypeOfOnnx(code);
  if (!dtype) throw new Error(`a cast to ${onnxTypeName(code)} is not supported`);
  return call.cast(call.input(0), dtype === 'float16' ? 'float32' : dtype);
}

/** Both broadcast: extents of 1 in the wanted shape keep what is there. */
function expand(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const wanted = call.sizes(1, 'the shape');
  const rank = Math.max(wanted.length, x.shape.length);
  const shape = upTo(rank).map((axis): Dim => {
    const dim = wanted[axis - rank + wanted.length] ?? 1;
    return dim === 1 ? (x.shape[axis - rank + x.shape.length] ?? 1) : dim;
  });
  const isSame = rank === x.shape.length && shape.every((dim, axis) => String(dim) === String(x.shape[axis]));
  return isSame ? x : call.call('aten.expand.default', x, shape);
}

/** Each extent repeated: a new one of the repeats in front of it, then both joined. */
function tile(call: OnnxCall): OnnxValue {
  const repeats = call.sizes(1, 'the repeats');
  const x = call.input(0);
  if (repeats.length !== x.shape.length)
    throw new Error(
      `the repeats [${repeats.join(', ')}] must be one for each extent of [${x.shape.join(', ')}]`,
    );
  return repeats.reduce<OnnxValue>((value, count, axis) => {
    if (count === 1) return value;
    const { shape } = value;
    const apart = call.call('aten.unsqueeze.default', value, axis);
    const repeated = call.call('aten.expand.default', apart, [
      ...shape.slice(0, axis),
      count,
      ...shape.slice(axis),
    ]);
    return call.reshape(repeated, replaced(shape, axis, mulDims(count, shape[axis])));
  }, x);
}

/** Channels to blocks of pixels: block rows and columns are the first factors of the channels (DCR) or the last. */
function depthToSpace(call: OnnxCall): OnnxValue {
  const size = call.attributes.int('blocksize');
  const isLast = call.attributes.string('mode', 'DCR') === 'CRD';
  const [n, c, h, w] = imageShape(call);
  const channels = c / size ** 2;
  if (!Number.isInteger(channels)) throw new Error(`${c} channels do not make blocks of ${size}`);
  const parts = isLast ? [channels, size, size] : [size, size, channels];
  const order = isLast ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  const blocks = call.call('aten.permute.default', call.reshape(call.input(0), [n, ...parts, h, w]), order);
  return call.reshape(blocks, [n, channels, mulDims(h, size), mulDims(w, size)]);
}

/** Blocks of pixels to channels. */
function spaceToDepth(call: OnnxCall): OnnxValue {
  const size = call.attributes.int('blocksize');
  const [n, c, ...image] = imageShape(call);
  const [h, w] = image.map((dim) => call.static(dim, 'an extent of the image') / size);
  if (![h, w].every(Number.isInteger))
    throw new Error(`[${image.join(', ')}] is not made of blocks of ${size}`);
  const blocks = call.reshape(call.input(0), [n, c, h, size, w, size]);
  const channels = call.call('aten.permute.default', blocks, [0, 3, 5, 1, 2, 4]);
  return call.reshape(channels, [n, c * size ** 2, h, w]);
}

function imageShape(call: OnnxCall): readonly [Dim, number, Dim, Dim] {
  const { shape } = call.input(0);
  if (shape.length !== 4) throw new Error(`the input must be [N, C, H, W], got [${shape.join(', ')}]`);
  return [shape[0], call.static(shape[1], 'the number of channels'), shape[2], shape[3]];
}

/** Operators that change shapes or dtypes. */
export const shapeReaders: OperatorTable = {
  Reshape: {
    1: (call) => reshapeTo(call, call.attributes.ints('shape')),
    5: (call) => reshapeTo(call, call.sizes(1, 'the shape')),
  },
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Identity: (call) => call.input(0),
  Cast: (call) => castTo(call, call.attributes.int('to')),
  CastLike: (call) => call.cast(call.input(0), call.input(1).dtype),
  Expand: expand,
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
