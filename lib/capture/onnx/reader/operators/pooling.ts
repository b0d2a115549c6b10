import { mulDims } from '../../../../graph/index.ts';
import { rowMajorStrides, Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { forEachIndex } from '../folding/elements.ts';
import type { OnnxValue } from '../values.ts';
import { upTo } from './common.ts';
import { rangeOf } from './quantized/computed-parameters.ts';
import { type Affine, dequantize, quantize } from './quantized/quantization.ts';
import { padEnds, type Window, windowOf } from './windows.ts';

interface Pooling extends Window {
  /** Extents of the input and of the result. */
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly ceil: boolean;
}

function poolingOf(call: OnnxCall): Pooling {
  const kernel = call.attributes.ints('kernel_shape');
  if (kernel.length < 1 || kernel.length > 3)
    throw new Error(`pooling over ${kernel.length} dimensions is not supported`);
  const window = windowOf(call, kernel);
  const ceil = call.attributes.int('ceil_mode', 0) === 1;
  const input = call
    .input(0)
    .shape.slice(2)
    .map((dim) => call.static(dim, 'an extent that is pooled'));
  const output = input.map((extent, i) => pooledExtent(call, extent, window, i, ceil));
  return { ...window, ceil, input, output };
}

const spanOf = ({ kernel, dilation }: Window, i: number): number => dilation[i] * (kernel[i] - 1) + 1;

function pooledExtent(call: OnnxCall, extent: number, window: Window, i: number, ceil: boolean): number {
  const { before, after, stride } = window;
  const room = extent + before[i] + after[i] - spanOf(window, i);
  if (room < 0) throw new Error(`an extent of ${extent} is smaller than the window`);
  const count = (ceil ? Math.ceil(room / stride[i]) : Math.floor(room / stride[i])) + 1;
  // Since operator set 22 a window that starts in the padding at the end does not count, as in PyTorch.
  const startsOutside = ceil && (count - 1) * stride[i] >= extent + before[i];
  return startsOutside && call.opset >= 22 ? count - 1 : count;
}

/** Whether PyTorch's own arguments say the same windows. */
function isPlain({ kernel, stride, dilation, before, after, ceil, input, output }: Pooling): boolean {
  return kernel.every((size, i) => {
    const span = dilation[i] * (size - 1) + 1;
    const [pad, extent] = [before[i], input[i]];
    if (after[i] !== pad || 2 * pad > size) return false;
    const steps = (extent + 2 * pad - span) / stride[i];
    let count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    if (ceil && (count - 1) * stride[i] >= extent + pad) count--;
    return count === output[i];
  });
}

/** Paddings under which windows that are not rounded up reach exactly as far. */
function exactPads(pooling: Pooling): Pick<Window, 'before' | 'after'> {
  const { stride, before, input, output } = pooling;
  const after = input.map(
    (extent, i) => (output[i] - 1) * stride[i] + spanOf(pooling, i) - extent - before[i],
  );
  return { before, after };
}

function maxPool(call: OnnxCall): readonly (OnnxValue | undefined)[] {
  const pooling = poolingOf(call);
  const { kernel, stride, dilation, before, ceil } = pooling;
  const { dtype } = call.input(0);
  const isQuantized = dtype === 'uint8' || dtype === 'int8';
  const whole: Affine = { scales: [1], zeroPoints: [0], axis: undefined };
  // The largest of integers is the largest of the numbers that they are.
  const x = isQuantized ? dequantize(call, call.input(0), whole) : call.input(0);
  const pads = isPlain(pooling) ? undefined : exactPads(pooling);
  const args = pads
    ? [padEnds(call, x, pads, Number.NEGATIVE_INFINITY), kernel, stride, kernel.map(() => 0), dilation, false]
    : [x, kernel, stride, before, dilation, ceil];
  const target = `aten.max_pool${kernel.length}d`;
  const [pooled, positions] = call.wanted[1]
    ? call.calls(`${target}_with_indices.default`, ...args)
    : [call.call(`${target}.default`, ...args)];
  return [
    isQuantized ? quantize(call, pooled, whole, rangeOf(dtype)) : pooled,
    positions && positionsInTensor(call, positions, pooling, pads),
  ];
}

/**
 * PyTorch counts positions in a channel, padded here where the call was; ONNX counts them in the whole tensor without
 * padding, along rows or, with storage_order=1, along columns of a channel.
 */
function positionsInTensor(
  call: OnnxCall,
  positions: OnnxValue,
  { input }: Pooling,
  pads: Pick<Window, 'before' | 'after'> | undefined,
): OnnxValue {
  const inColumns = call.attributes.int('storage_order', 0) === 1;
  const padded = input.map((extent, i) => extent + (pads ? pads.before[i] + pads.after[i] : 0));
  const [read, written] = [
    rowMajorStrides(padded),
    (inColumns ? columnMajorStrides : rowMajorStrides)(input),
  ];
  const channel = input.reduce((a, b) => a * b, 1);
  const coordinate = (_: number, i: number) => {
    const down = call.call('aten.floor_divide.Scalar', positions, read[i]);
    const along = call.call('aten.remainder.Scalar', down, padded[i]);
    const inside = pads ? call.call('aten.sub.Scalar', along, pads.before[i]) : along;
    return call.call('aten.mul.Scalar', inside, written[i]);
  };
  const inChannel =
    pads || inColumns
      ? input.map(coordinate).reduce((a, b) => call.call('aten.add.Tensor', a, b))
      : positions;
  const [samples, channels] = call.input(0).shape;
  const numbers = call.call('aten.arange.default', mulDims(samples, channels));
  const starts = call.call('aten.mul.Scalar', numbers, channel);
  const shape = [samples, channels, ...input.map(() => 1)];
  return call.call('aten.add.Tensor', inChannel, call.call('aten.view.default', starts, shape));
}

/** Strides where the first axis is the innermost one. */
function columnMajorStrides(shape: readonly number[]): readonly number[] {
  return rowMajorStrides([...shape].reverse()).toReversed();
}

export function averagePool(call: OnnxCall): OnnxValue {
  const pooling = poolingOf(call);
  const { kernel, stride, dilation, before, ceil } = pooling;
  const counted = call.attributes.int('count_include_pad', 0) === 1;
  const isDilated = dilation.some((step) => step !== 1);
  if (!isDilated && isPlain(pooling))
    return call.call(
      `aten.avg_pool${kernel.length}d.default`,
      call.input(0),
      kernel,
      stride,
      before,
      ceil,
      counted,
    );
  const sums = windowSums(call, padEnds(call, call.input(0), exactPads(pooling), 0), pooling);
  const weights = windowCounts(pooling, counted).map((count) => 1 / count);
  const shape = [1, 1, ...pooling.output];
  return call.call('aten.mul.Tensor', sums, call.constant(new Tensor('float32', weights, shape)));
}

/** The sum of each window: a convolution of every channel with ones. */
function windowSums(call: OnnxCall, x: OnnxValue, { kernel, stride, dilation }: Pooling): OnnxValue {
  const channels = call.static(x.shape[1], 'the number of channels');
  const size = kernel.reduce((a, b) => a * b, 1);
  const ones = new Float32Array(channels * size).fill(1);
  const weight = call.constant(new Tensor('float32', ones, [channels, 1, ...kernel]));
  const padding = kernel.map(() => 0);
  return call.call(
    `aten.conv${kernel.length}d.default`,
    x,
    weight,
    null,
    stride,
    padding,
    dilation,
    channels,
  );
}

/** How many elements of the input, or with `counted` of its padding too, each window has. */
function windowCounts(pooling: Pooling, counted: boolean): Float32Array {
  const { kernel, stride, dilation, before, after, input, output } = pooling;
  const counts: number[] = [];
  forEachIndex(output, (index) => {
    const perAxis = upTo(index.length).map((i) => {
      const positions = upTo(kernel[i]).map((at) => index[i] * stride[i] - before[i] + at * dilation[i]);
      const [low, high] = counted ? [-before[i], input[i] + after[i]] : [0, input[i]];
      return positions.filter((at) => at >= low && at < high).length;
    });
    counts.push(perAxis.reduce((a, b) => a * b, 1));
  });
  return Float32Array.from(counts);
}

/** The spatial axes of the input. */
function spatialAxes(call: OnnxCall): number[] {
  call.expectRank(call.input(0), 3);
  return upTo(call.input(0).shape.length).slice(2);
}

export function globalAverage(call: OnnxCall): OnnxValue {
  const axes = spatialAxes(call);
  const hasSizes = call.input(0).shape.every((dim, axis) => axis < 2 || typeof dim === 'number');
  // The form that quantizers know.
  if (axes.length === 2 && hasSizes)
    return call.call('aten.adaptive_avg_pool2d.default', call.input(0), [1, 1]);
  return call.call('aten.mean.dim', call.input(0), axes, true);
}

const globalMax = (call: OnnxCall): OnnxValue =>
  call.call('aten.amax.default', call.input(0), spatialAxes(call), true);

/** The p-norm of each window. */
function normPool(call: OnnxCall): OnnxValue {
  const pooling = poolingOf(call);
  const p = call.attributes.int('p', 2);
  const powers = call.call('aten.pow.Tensor_Scalar', call.call('aten.abs.default', call.input(0)), p);
  const sums = windowSums(call, padEnds(call, powers, exactPads(pooling), 0), pooling);
  return call.call('aten.pow.Tensor_Scalar', sums, 1 / p);
}

function globalNorm(call: OnnxCall): OnnxValue {
  const p = call.attributes.int('p', 2);
  const powers = call.call('aten.pow.Tensor_Scalar', call.call('aten.abs.default', call.input(0)), p);
  const sums = call.call('aten.sum.dim_IntList', powers, spatialAxes(call), true);
  return call.call('aten.pow.Tensor_Scalar', sums, 1 / p);
}

/** Pooling over windows, and over everything. */
export const poolingReaders: OperatorTable = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: normPool,
  GlobalAveragePool: globalAverage,
  GlobalMaxPool: globalMax,
  GlobalLpPool: globalNorm,
};
