import type { OnnxCall, OperatorReader, OperatorTable } from '../call.ts';
import type { OnnxValue } from '../values.ts';
import { same } from './common.ts';

/** A function whose parameter is an attribute. */
const withAlpha =
  (target: string, otherwise: number): OperatorReader =>
  (call) =>
    call.call(target, call.input(0), call.attributes.float('alpha', otherwise));

/** `min(max(alpha * x + beta, 0), 1)`; PyTorch has the one of a sixth and a half. */
function hardSigmoid(call: OnnxCall): OnnxValue {
  const [alpha, beta] = [call.attributes.float('alpha', 0.2), call.attributes.float('beta', 0.5)];
  const x = call.input(0);
  // Exporters write a sixth with few digits.
  if (Math.abs(alpha - 1 / 6) < 1e-5 && beta === 0.5) return call.call('aten.hardsigmoid.default', x);
  const line = call.call('aten.add.Tensor', call.call('aten.mul.Tensor', x, alpha), beta);
  return call.call('aten.hardtanh.default', line, 0, 1);
}

function selu(call: OnnxCall): OnnxValue {
  const alpha = call.attributes.float('alpha', 1.6732632423543772);
  const gamma = call.attributes.float('gamma', 1.0507009873554805);
  return call.call('aten.mul.Tensor', call.call('aten.elu.default', call.input(0), alpha), gamma);
}

/** `alpha * elu(x / alpha)` */
function celu(call: OnnxCall): OnnxValue {
  const alpha = call.attributes.float('alpha', 1);
  const narrowed = call.call('aten.mul.Tensor', call.input(0), 1 / alpha);
  return call.call('aten.mul.Tensor', call.call('aten.elu.default', narrowed), alpha);
}

/** The slope is one number, belongs to the channels, or is of any shape that broadcasts. */
function prelu(call: OnnxCall): OnnxValue {
  const [x, slope] = [call.input(0), call.input(1)];
  const number = call.numberIn(slope);
  if (number !== undefined) return call.call('aten.leaky_relu.default', x, number);
  const negative = call.call('aten.clamp_max.default', x, 0);
  // Before operator set 7 a list of slopes belonged to the channels.
  const isOfChannels = call.opset < 7 && slope.shape.length === 1 && x.shape.length > 2;
  const along = isOfChannels
    ? call.reshape(slope, [...slope.shape, ...Array<number>(x.shape.length - 2).fill(1)])
    : slope;
  const scaled = call.call('aten.mul.Tensor', negative, along);
  return call.call('aten.add.Tensor', call.call('aten.relu.default', x), scaled);
}

function gelu(call: OnnxCall): OnnxValue {
  return call.callWith('aten.gelu.default', [call.input(0)], {
    approximate: call.attributes.string('approximate', 'none'),
  });
}

/** `x / (1 + |x|)` */
function softsign(call: OnnxCall): OnnxValue {
  const below = call.call('aten.add.Tensor', call.call('aten.abs.default', call.input(0)), 1);
  return call.call('aten.div.Tensor', call.input(0), below);
}

/** `x * sigmoid(alpha * x)` */
function swish(call: OnnxCall): OnnxValue {
  const alpha = call.attributes.float('alpha', 1);
  if (alpha === 1) return call.call('aten.silu.default', call.input(0));
  const gate = call.call('aten.sigmoid.default', call.call('aten.mul.Tensor', call.input(0), alpha));
  return call.call('aten.mul.Tensor', call.input(0), gate);
}

/** `x` above alpha, else 0. */
function thresholdedRelu(call: OnnxCall): OnnxValue {
  const above = call.call('aten.gt.Scalar', call.input(0), call.attributes.float('alpha', 1));
  return call.call('aten.mul.Tensor', call.input(0), call.cast(above, 'float32'));
}

/** `x - bias` above lambd, `x + bias` below -lambd, else 0. */
function shrink(call: OnnxCall): OnnxValue {
  const [lambd, bias] = [call.attributes.float('lambd', 0.5), call.attributes.float('bias', 0)];
  const x = call.cast(call.input(0), 'float32');
  const part = (target: string, bound: number, shift: number) =>
    call.call(
      'aten.mul.Tensor',
      call.call('aten.add.Tensor', x, shift),
      call.cast(call.call(target, x, bound), 'float32'),
    );
  const sum = call.call(
    'aten.add.Tensor',
    part('aten.gt.Scalar', lambd, -bias),
    part('aten.lt.Scalar', -lambd, bias),
  );
  return call.cast(sum, call.input(0).dtype);
}

/** Bounds that are numbers, -inf and inf where there is none; undefined where one is computed. */
function bounds(call: OnnxCall): readonly [number, number] | undefined {
  const [low, high] = [1, 2].map((i, side) => {
    const value = call.optional(i);
    return value ? call.numberIn(value) : side === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  });
  return low === undefined || high === undefined ? undefined : [low, high];
}

const finite = (bound: number): number | null => (Number.isFinite(bound) ? bound : null);

function clampTo(call: OnnxCall, low: number, high: number): OnnxValue {
  const x = call.input(0);
  const [min, max] = [finite(low), finite(high)];
  if (min === null && max === null) return x;
  // What PyTorch exports a relu6 as, which quantizers know after a layer.
  if (min !== null && max !== null && min <= max && x.dtype === 'float32')
    return call.call('aten.hardtanh.default', x, min, max);
  return call.call('aten.clamp.default', x, min, max);
}

function clip(call: OnnxCall): OnnxValue {
  const known = bounds(call);
  if (known) return clampTo(call, ...known);
  const [low, high] = [call.optional(1), call.optional(2)];
  const above = low ? call.call('aten.maximum.default', call.input(0), low) : call.input(0);
  return high ? call.call('aten.minimum.default', above, high) : above;
}

/** The largest float32, which is ONNX's bound where a file says none. */
const largest = 3.4028234663852886e38;

function clipByAttributes(call: OnnxCall): OnnxValue {
  const [low, high] = [call.attributes.float('min', -largest), call.attributes.float('max', largest)];
  const open = (bound: number) => (Math.abs(bound) >= largest ? bound * Number.POSITIVE_INFINITY : bound);
  return clampTo(call, open(low), open(high));
}

/** Functions of one tensor. */
export const activationReaders: OperatorTable = {
  Relu: same('aten.relu.default'),
  Sigmoid: same('aten.sigmoid.default'),
  Tanh: same('aten.tanh.default'),
  HardSwish: same('aten.hardswish.default'),
  HardSigmoid: hardSigmoid,
  Mish: { 18: same('aten.mish.default') },
  Gelu: { 20: gelu },
  LeakyRelu: withAlpha('aten.leaky_relu.default', 0.01),
  Elu: withAlpha('aten.elu.default', 1),
  Selu: selu,
  Celu: celu,
  PRelu: prelu,
  Softplus: same('aten.softplus.default'),
  Softsign: softsign,
  Swish: swish,
  ThresholdedRelu: thresholdedRelu,
  Shrink: shrink,
  Clip: { 1: clipByAttributes, 11: clip },
};
