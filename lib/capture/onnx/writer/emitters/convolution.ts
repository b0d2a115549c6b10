import type { OnnxCall, OnnxEmitter } from '../emitter.ts';
import { spatialSizes } from '../emitter.ts';
import { quantizedBias } from './quantization.ts';

function convolution(call: OnnxCall, padding: readonly number[] | string) {
  const { args } = call;
  const x = args.tensor('input');
  const weight = args.tensor('weight');
  const kernel = spatialSizes(weight.shape, 'a convolution');
  const spatial = kernel.length;
  const pads = typeof padding === 'string' ? {} : { pads: [...padding, ...padding] };
  return call.result('Conv', [x, weight, quantizedBias(call, x, weight, args.optionalTensor('bias'))], {
    kernel_shape: kernel,
    strides: args.numbers('stride').slice(0, spatial),
    dilations: args.numbers('dilation').slice(0, spatial),
    group: args.number('groups'),
    // PyTorch's 'same' pads the odd element at the end.
    ...(typeof padding === 'string' ? { auto_pad: padding === 'same' ? 'SAME_UPPER' : 'VALID' } : pads),
  });
}

function anyConvolution(call: OnnxCall) {
  if (call.args.bool('transposed')) throw new Error('transposed convolution');
  return convolution(call, call.args.numbers('padding'));
}

/** Convolutions of one or two spatial dimensions. */
export const convolutionEmitters: Readonly<Record<string, OnnxEmitter>> = {
  'aten.conv1d.default': (call) => convolution(call, call.args.numbers('padding')),
  'aten.conv2d.default': (call) => convolution(call, call.args.numbers('padding')),
  'aten.convolution.default': anyConvolution,
  'aten.conv1d.padding': (call) => convolution(call, call.args.string('padding')),
  'aten.conv2d.padding': (call) => convolution(call, call.args.string('padding')),
};
