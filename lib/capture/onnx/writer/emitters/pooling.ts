import { type OnnxCall, type OnnxEmitter, type OnnxValue, spatialSizes } from '../emitter.ts';

/**
 * Padding at the end of each axis that results in PyTorch's output size with `ceil_mode`. It is written explicitly
 * because runtimes disagree on ONNX's own ceil_mode.
 */
function endPadding(
  call: OnnxCall,
  x: OnnxValue,
  begin: readonly number[],
  extents: readonly number[],
  strides: readonly number[],
) {
  if (!call.args.bool('ceil_mode')) return begin;
  const input = spatialSizes(x.shape, 'pooling with ceil_mode');
  const output = spatialSizes(call.meta.shape, 'pooling with ceil_mode');
  return output.map((size, i) =>
    Math.max(begin[i], (size - 1) * strides[i] + extents[i] - input[i] - begin[i]),
  );
}

/** In PyTorch, `stride=[]` means the kernel's size. */
function strideOf(call: OnnxCall, kernel: readonly number[]): readonly number[] {
  const stride = call.args.numbers('stride');
  return stride.length === 0 ? kernel : stride;
}

function maxPool(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('self');
  const kernel = call.args.numbers('kernel_size');
  const strides = strideOf(call, kernel);
  const begin = call.args.numbers('padding');
  const dilations = call.args.numbers('dilation');
  const extents = kernel.map((size, i) => dilations[i] * (size - 1) + 1);
  const pads = [...begin, ...endPadding(call, x, begin, extents, strides)];
  return call.result('MaxPool', [x], { kernel_shape: kernel, strides, dilations, pads });
}

function averagePool(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('self');
  const kernel = call.args.numbers('kernel_size');
  const strides = strideOf(call, kernel);
  const begin = call.args.numbers('padding');
  const end = endPadding(call, x, begin, kernel, strides);
  if (end.some((pad, i) => pad > begin[i]))
    throw new Error('average pooling whose last window reaches beyond the padded image (ceil_mode)');
  if (!call.args.isNone('divisor_override')) throw new Error('average pooling with divisor_override');
  return call.result('AveragePool', [x], {
    kernel_shape: kernel,
    strides,
    pads: [...begin, ...end],
    count_include_pad: call.args.bool('count_include_pad') ? 1 : 0,
  });
}

function adaptiveAveragePool(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('self');
  const output = call.args.numbers('output_size');
  if (output.every((size) => size === 1)) return call.result('GlobalAveragePool', [x]);
  const input = spatialSizes(x.shape, 'adaptive average pooling');
  if (input.some((size, i) => size % output[i] !== 0))
    throw new Error(
      `adaptive average pooling of ${input.join('x')} to ${output.join('x')}, which is no multiple`,
    );
  const kernel = input.map((size, i) => size / output[i]);
  return call.result('AveragePool', [x], { kernel_shape: kernel, strides: kernel });
}

function mean(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('self');
  const axes = call.args.optionalNumbers('dim') ?? x.shape.map((_, i) => i);
  const positive = axes.map((axis) => call.axis(axis, x));
  return call.result('ReduceMean', [x, call.integers('axes', positive)], {
    keepdims: call.args.bool('keepdim') ? 1 : 0,
  });
}

/** Windows and whole axes reduced to their maximum or mean. */
export const poolingEmitters: Readonly<Record<string, OnnxEmitter>> = {
  'aten.max_pool1d.default': maxPool,
  'aten.max_pool2d.default': maxPool,
  'aten.avg_pool2d.default': averagePool,
  'aten.adaptive_avg_pool2d.default': adaptiveAveragePool,
  'aten.mean.dim': mean,
};
