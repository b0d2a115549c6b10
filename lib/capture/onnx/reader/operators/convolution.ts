import { mulDims, staticDim } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { ConstantValue, type OnnxValue } from '../values.ts';
import { layerWeight } from './quantized/weights.ts';
import { padEnds, type Window, windowOf } from './windows.ts';

function kernelOf(call: OnnxCall): readonly number[] {
  const weight = call.input(1);
  call.expectRank(weight, 3, 'the weight');
  return weight.shape.slice(2).map((dim) => staticDim(dim, 'a kernel extent'));
}

/** Paddings that differ at both ends become a padding of their own. */
export function convolution(call: OnnxCall): OnnxValue {
  const kernel = kernelOf(call);
  const rank = kernel.length;
  const window = windowOf(call, kernel);
  const bias = call.optional(2) ?? null;
  const isEven = window.before.every((size, i) => size === window.after[i]);
  const x = isEven ? call.input(0) : padEnds(call, call.input(0), window, 0);
  const padding = isEven ? window.before : kernel.map(() => 0);
  const { stride, dilation } = window;
  const groups = call.attributes.int('group', 1);
  if (rank > 3) throw new Error(`convolutions over ${rank} dimensions are not supported`);
  return call.call(
    `aten.conv${rank}d.default`,
    ...[x, layerWeight(call, call.input(1)), bias],
    ...[stride, padding, dilation, groups],
  );
}

/** Paddings cut off the ends of what a transposed convolution returns. */
function transposedConvolution(call: OnnxCall): OnnxValue {
  const kernel = kernelOf(call);
  const rank = kernel.length;
  if (rank > 3) throw new Error(`convolutions over ${rank} dimensions are not supported`);
  const [x, weight] = [call.input(0), call.input(1)];
  const { attributes } = call;
  const ones = kernel.map(() => 1);
  const stride = attributes.ints('strides', ones);
  const dilation = attributes.ints('dilations', ones);
  const added = attributes.ints(
    'output_padding',
    kernel.map(() => 0),
  );
  const groups = attributes.int('group', 1);
  const pads = transposedPads(call, { kernel, stride, dilation, added });
  // A size that is asked for may be larger than what the windows reach.
  const missing = pads.before.map((size, i) => Math.max(0, -size - pads.after[i]));
  const before = pads.before.map((size, i) => (missing[i] > 0 ? 0 : size));
  const after = pads.after.map((size, i) => (missing[i] > 0 ? 0 : size));
  const reached = added.map((size, i) => size + missing[i]);
  const isEven = before.every((size, i) => size === after[i] && size >= 0);
  const name = rank === 1 ? 'aten.conv_transpose1d.default' : `aten.conv_transpose${rank}d.input`;
  const run = (padding: readonly number[], outputPadding: readonly number[]) =>
    call.call(name, x, weight, call.optional(2) ?? null, stride, padding, outputPadding, groups, dilation);
  if (isEven) return run(before, reached);
  const whole = run(
    ones.map(() => 0),
    reached,
  );
  return before.reduce((value, start, i) => {
    const end = staticDim(value.shape[2 + i], 'an extent') - after[i];
    return call.call('aten.slice.Tensor', value, 2 + i, start, end);
  }, whole);
}

interface Transposed {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly added: readonly number[];
}

/** What is cut off at both ends; `output_shape` and `auto_pad` say it by the size of the result. */
function transposedPads(
  call: OnnxCall,
  { kernel, stride, dilation, added }: Transposed,
): Pick<Window, 'before' | 'after'> {
  const { attributes } = call;
  const rank = kernel.length;
  const auto = attributes.string('auto_pad', 'NOTSET');
  const wanted = attributes.has('output_shape') ? attributes.ints('output_shape').slice(-rank) : undefined;
  if (!wanted && (auto === 'NOTSET' || auto === 'VALID')) {
    const pads = auto === 'VALID' ? kernel.map(() => 0) : attributes.ints('pads', Array(2 * rank).fill(0));
    return { before: pads.slice(0, rank), after: pads.slice(rank) };
  }
  const totals = kernel.map((size, i) => {
    const extent = call.static(call.input(0).shape[2 + i], 'an extent of the input');
    const whole = (extent - 1) * stride[i] + dilation[i] * (size - 1) + 1 + added[i];
    return whole - (wanted ? wanted[i] : extent * stride[i]);
  });
  const [less, more] = [Math.floor, Math.ceil].map((round) => totals.map((total) => round(total / 2)));
  return auto === 'SAME_UPPER' ? { before: less, after: more } : { before: more, after: less };
}

/**
 * Local response normalization divides by a power of the squares of neighbouring channels, which are summed by a product
 * with a matrix of ones along the diagonal.
 */
function localResponseNormalization(call: OnnxCall): OnnxValue {
  const { attributes } = call;
  const x = call.input(0);
  call.expectRank(x, 2);
  const size = attributes.int('size');
  const channels = call.static(x.shape[1], 'the number of channels');
  const [alpha, beta, bias] = [
    attributes.float('alpha', 1e-4),
    attributes.float('beta', 0.75),
    attributes.float('bias', 1),
  ];
  const band = new Float32Array(channels * channels);
  for (let row = 0; row < channels; row++)
    for (let i = -Math.floor((size - 1) / 2); i <= Math.ceil((size - 1) / 2); i++)
      if (row + i >= 0 && row + i < channels) band[row * channels + row + i] = alpha / size;
  const matrix = new ConstantValue(
    new Tensor('float32', band, [channels, channels]),
    call.writer.origin.name,
  );
  const rows = call.reshape(x, [...x.shape.slice(0, 2), mulDims(...x.shape.slice(2))]);
  const squares = call.call('aten.square.default', rows);
  const sums = call.reshape(call.call('aten.matmul.default', matrix, squares), x.shape);
  const power = call.call('aten.pow.Tensor_Scalar', call.call('aten.add.Tensor', sums, bias), -beta);
  return call.call('aten.mul.Tensor', x, power);
}

/** Convolutions, and normalization over neighbouring channels. */
export const convolutionReaders: OperatorTable = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  LRN: localResponseNormalization,
};
