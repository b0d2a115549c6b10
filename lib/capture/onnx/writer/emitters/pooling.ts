import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';

interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Whether ONNX's own `ceil_mode` makes PyTorch's size. It does not count windows that start in the padding at the end. */
  readonly ceil: boolean;
}

/** @param mayCeil whether ONNX's own `ceil_mode` may say the windows: runtimes disagree about what it counts as padding. */
function windowsOf(call: OnnxCall, mayCeil: boolean): Windows {
  const { args, self, meta } = call;
  const kernel = args.numbers('kernel_size');
  const given = args.numbers('stride');
  const strides = given.length === 0 ? kernel : given;
  const before = args.numbers('padding');
  const hasDilation = args.schema.arguments.some(({ name }) => name === 'dilation');
  const dilations = hasDilation ? args.numbers('dilation') : kernel.map(() => 1);
  const floored = { kernel, strides, dilations, before, after: before, ceil: false };
  if (!args.bool('ceil_mode')) return floored;
  const [input, output] = [self, meta].map(({ shape }) =>
    call.extents(shape.slice(2), 'an extent that is pooled'),
  );
  const spans = kernel.map((size, i) => dilations[i] * (size - 1) + 1);
  const isOwn = output.every(
    (size, i) => size === Math.ceil((input[i] + 2 * before[i] - spans[i]) / strides[i]) + 1,
  );
  if (mayCeil && isOwn) return { ...floored, ceil: true };
  const after = output.map((size, i) =>
    Math.max(before[i], (size - 1) * strides[i] + spans[i] - input[i] - before[i]),
  );
  return { ...floored, after };
}

const attributesOf = ({ kernel, strides, before, after, ceil }: Windows) => ({
  kernel_shape: kernel,
  strides,
  pads: [...before, ...after],
  ...(ceil ? { ceil_mode: 1 } : {}),
});

function maxPool(call: OnnxCall): OnnxValue {
  const windows = windowsOf(call, true);
  const { dilations } = windows;
  return call.op('MaxPool', [call.cast(call.self, call.real)], { ...attributesOf(windows), dilations });
}

/** ONNX counts positions in the whole tensor, PyTorch in each image. */
function maxPoolWithIndices(call: OnnxCall): readonly OnnxValue[] {
  const windows = windowsOf(call, true);
  const { self, metas, meta } = call;
  const { dilations } = windows;
  const x = call.cast(self, call.real);
  const attributes = { ...attributesOf(windows), dilations };
  const [values, places] = call.ops('MaxPool', [x], attributes, [{ ...meta, dtype: x.dtype }, metas[1]]);
  return [call.cast(values, meta.dtype), inImage(call, places)];
}

function inImage(call: OnnxCall, places: OnnxValue): OnnxValue {
  const size = call
    .extents(call.self.shape.slice(2), 'an extent that is pooled')
    .reduce((product, extent) => product * extent, 1);
  return call.op('Mod', [places, call.scalar(size, 'int64')]);
}

/** Windows of one size, where the output divides the input. */
function evenWindows(call: OnnxCall): readonly number[] {
  const [input, output] = [call.self, call.meta].map(({ shape }) =>
    call.extents(shape.slice(2), 'an extent that is pooled'),
  );
  return input.map((size, i) => size / output[i]);
}

function adaptiveMaxPool(call: OnnxCall): readonly OnnxValue[] {
  const kernel = evenWindows(call);
  if (!kernel.every(Number.isInteger))
    throw new Error(
      `adaptive max pooling of [${call.self.shape.slice(2).join(', ')}] to [${call.meta.shape.slice(2).join(', ')}], which is no multiple`,
    );
  const { metas } = call;
  const [values, places] = call.ops('MaxPool', [call.self], { kernel_shape: kernel, strides: kernel }, metas);
  return [values, inImage(call, places)];
}

function averagePool(call: OnnxCall): OnnxValue {
  const { args } = call;
  const counts = args.bool('count_include_pad');
  const hasDivisor = args.schema.arguments.some(({ name }) => name === 'divisor_override');
  const divisor = hasDivisor ? args.optionalNumber('divisor_override') : null;
  const windows = windowsOf(call, !counts && divisor === null);
  const { kernel, before, after } = windows;
  const x = call.cast(call.self, call.real);
  const isBeyond = after.some((pad, i) => pad > before[i]);
  if (divisor === null && !(isBeyond && counts))
    return call.op('AveragePool', [x], { ...attributesOf(windows), count_include_pad: Number(counts) });
  // Where a window reaches beyond the padding, or is divided by another number: sums, times what they are divided by.
  const size = kernel.reduce((a, b) => a * b, 1);
  const means = call.op('AveragePool', [x], { ...attributesOf(windows), count_include_pad: 1 });
  const factors = divisor === null ? windowFactors(call, windows) : call.scalar(size / divisor, x.dtype);
  return call.op('Mul', [means, factors]);
}

/** For each window its size over how many of its elements are in the input or in PyTorch's padding. */
function windowFactors(call: OnnxCall, { kernel, strides, before }: Windows): OnnxValue {
  const [input, output] = [call.self, call.meta].map(({ shape }) =>
    call.extents(shape.slice(2), 'an extent'),
  );
  const perAxis = output.map((count, axis) =>
    upTo(count).map((i) => {
      const start = i * strides[axis] - before[axis];
      return kernel[axis] / (Math.min(start + kernel[axis], input[axis] + before[axis]) - start);
    }),
  );
  const values = perAxis.reduce((outer, inner) => outer.flatMap((a) => inner.map((b) => a * b)), [1]);
  return call.constant(Tensor.from(call.real as 'float32', values, [1, 1, ...output]));
}

/** Means of even parts by windows; of uneven ones by a product with a matrix for each axis. */
function adaptiveAveragePool(call: OnnxCall): OnnxValue {
  const x = call.cast(call.self, call.real);
  const output = call.meta.shape.slice(2) as readonly number[];
  if (output.every((size) => size === 1)) return call.op('GlobalAveragePool', [x]);
  const kernel = evenWindows(call);
  if (kernel.every(Number.isInteger))
    return call.op('AveragePool', [x], { kernel_shape: kernel, strides: kernel });
  const input = call.extents(call.self.shape.slice(2), 'an extent that is pooled');
  const matrices = input.map((from, axis) => partMeans(from, output[axis]));
  const last = matrices.at(-1)!;
  const columns = call.constant(call.fold('aten.t.default', last));
  const narrowed = call.op('MatMul', [x, columns]);
  return matrices.length === 1 ? narrowed : call.op('MatMul', [call.constant(matrices[0]), narrowed]);
}

/** `[to, from]`: each row is the mean of one of the parts that PyTorch divides an extent into. */
function partMeans(from: number, to: number): Tensor {
  const rows = upTo(to).flatMap((i) => {
    const [start, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
    return upTo(from).map((at) => (at >= start && at < end ? 1 / (end - start) : 0));
  });
  return Tensor.from('float32', rows, [to, from]);
}

const ofAxes = (name: (axes: number) => string, emit: OnnxEmitter): OnnxEmitters =>
  Object.fromEntries([1, 2, 3].map((axes) => [`aten.${name(axes)}.default`, emit]));

/** Windows reduced to their maximum or mean. */
export const poolingEmitters: OnnxEmitters = {
  ...ofAxes((axes) => `max_pool${axes}d`, maxPool),
  ...ofAxes((axes) => `max_pool${axes}d_with_indices`, maxPoolWithIndices),
  ...ofAxes((axes) => `adaptive_max_pool${axes}d`, adaptiveMaxPool),
  'aten.avg_pool1d.default': averagePool,
  'aten.avg_pool2d.default': averagePool,
  'aten.adaptive_avg_pool1d.default': adaptiveAveragePool,
  'aten.adaptive_avg_pool2d.default': adaptiveAveragePool,
};
