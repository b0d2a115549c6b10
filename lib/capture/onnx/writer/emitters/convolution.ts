import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { quantizedBias } from './quantization.ts';

interface Layer {
  readonly x: OnnxValue;
  readonly weight: OnnxValue;
  readonly bias: OnnxValue | null;
  readonly kernel: readonly number[];
}

function layerOf(call: OnnxCall): Layer {
  const dtype = call.real;
  const [x, weight] = ['input', 'weight'].map((name) => call.operand(name, dtype));
  const bias = call.args.isNone('bias') ? null : call.operand('bias', dtype);
  return { x, weight, bias, kernel: call.extents(weight.shape.slice(2), "a convolution's kernel") };
}

/** A list with an entry for each axis; PyTorch repeats one number. */
const each = (call: OnnxCall, name: string, count: number): readonly number[] => {
  const list = call.args.numbers(name);
  return list.length === 1 ? Array(count).fill(list[0]) : list;
};

/** Zeros before and after each axis. With 'same' the odd one is at the end. */
function padsOf(call: OnnxCall, kernel: readonly number[], dilations: readonly number[]): readonly number[] {
  const padding = call.args.raw('padding');
  if (typeof padding !== 'string') {
    const list = each(call, 'padding', kernel.length);
    return [...list, ...list];
  }
  const totals = kernel.map((size, i) => (padding === 'same' ? dilations[i] * (size - 1) : 0));
  return [Math.floor, Math.ceil].flatMap((round) => totals.map((total) => round(total / 2)));
}

function convolution(call: OnnxCall): OnnxValue {
  const { x, weight, bias, kernel } = layerOf(call);
  const dilations = each(call, 'dilation', kernel.length);
  return call.op('Conv', [x, weight, quantizedBias(call, x, weight, bias)], {
    kernel_shape: kernel,
    strides: each(call, 'stride', kernel.length),
    pads: padsOf(call, kernel, dilations),
    dilations,
    group: call.args.number('groups'),
  });
}

function transposed(call: OnnxCall): OnnxValue {
  const { x, weight, bias, kernel } = layerOf(call);
  const list = (name: string) => each(call, name, kernel.length);
  return call.op('ConvTranspose', [x, weight, bias], {
    kernel_shape: kernel,
    strides: list('stride'),
    pads: [...list('padding'), ...list('padding')],
    dilations: list('dilation'),
    output_padding: list('output_padding'),
    group: call.args.number('groups'),
  });
}

/** The sum of products of integers. */
function integerConvolution(call: OnnxCall): OnnxValue {
  const { args } = call;
  const [x, weight] = ['input', 'weight'].map((name) => args.tensor(name));
  const kernel = call.extents(weight.shape.slice(2), "a convolution's kernel");
  const dilations = each(call, 'dilation', kernel.length);
  const attributes = {
    kernel_shape: kernel,
    strides: each(call, 'stride', kernel.length),
    pads: padsOf(call, kernel, dilations),
    dilations,
    group: args.number('groups'),
  };
  const result = { dtype: 'int32', shape: call.meta.shape } as const;
  const sum = call.op(
    'ConvInteger',
    [x, weight, call.operand('input_zero_point', x.dtype)],
    attributes,
    result,
  );
  if (args.isNone('bias')) return sum;
  const bias = call.operand('bias', 'int32');
  return call.op('Add', [sum, call.reshape(bias, [...bias.shape, ...kernel.map(() => 1)])]);
}

const ofAxes = (emit: OnnxEmitter, overload: string): OnnxEmitters =>
  Object.fromEntries([1, 2, 3].map((axes) => [`aten.conv${axes}d.${overload}`, emit]));

/** Convolutions of signals, images and volumes. */
export const convolutionEmitters: OnnxEmitters = {
  ...ofAxes(convolution, 'default'),
  ...ofAxes(convolution, 'padding'),
  'aten.convolution.default': (call) => (call.args.bool('transposed') ? transposed : convolution)(call),
  'aten.conv_transpose1d.default': transposed,
  'aten.conv_transpose2d.input': transposed,
  'aten.conv_transpose3d.input': transposed,
  'octavo.integer_convolution.default': integerConvolution,
};
