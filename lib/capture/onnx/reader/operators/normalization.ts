import { type Dim, dimsEqual, mulDims } from '../../../../graph/index.ts';
import { isFloatingPoint, Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { asGiven } from '../numbers.ts';
import { ConstantValue, type OnnxValue } from '../values.ts';
import { upTo } from './common.ts';

function batchNormalization(call: OnnxCall): readonly OnnxValue[] {
  const { attributes } = call;
  if (call.opset >= 14 && attributes.int('training_mode', 0) === 1)
    throw new Error('training_mode=1 normalizes by the statistics of the batch, which is not supported');
  if (call.opset < 9 && attributes.int('spatial', 1) === 0)
    throw new Error('spatial=0 (statistics for each position) is not supported');
  if (call.opset < 7 && attributes.int('is_test', 0) === 0)
    throw new Error('is_test=0 normalizes by the statistics of the batch, which is not supported');
  const [weight, bias, mean, variance] = [1, 2, 3, 4].map((i) => call.input(i));
  // ONNX's is the part of the old value, PyTorch's that of the new one.
  const momentum = 1 - asGiven(attributes.float('momentum', 0.9));
  const eps = attributes.float('epsilon', 1e-5);
  return [
    call.call(
      'aten.batch_norm.default',
      ...[call.input(0), weight, bias, mean, variance],
      ...[false, momentum, eps, true],
    ),
  ];
}

/** Normalization of each channel of each sample. */
function instanceNormalization(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  call.expectRank(x, 3);
  const channels = call.static(x.shape[1], 'the number of channels');
  const eps = call.attributes.float('epsilon', 1e-5);
  return call.call('aten.group_norm.default', x, channels, call.input(1), call.input(2), eps);
}

/** Scale and shift belong to channels since operator set 21; before, to groups. */
const groupNormalization =
  (ofGroups: boolean) =>
  (call: OnnxCall): OnnxValue => {
    const x = call.input(0);
    call.expectRank(x, 3);
    const groups = call.attributes.int('num_groups');
    const eps = call.attributes.float('epsilon', 1e-5);
    const channels = call.static(x.shape[1], 'the number of channels');
    const [weight, bias] = [1, 2].map((i) => {
      const value = call.input(i);
      if (!ofGroups) return value;
      const repeated = call.call('aten.expand.default', call.call('aten.unsqueeze.default', value, 1), [
        groups,
        channels / groups,
      ]);
      return call.reshape(repeated, [channels]);
    });
    return call.call('aten.group_norm.default', x, groups, weight, bias, eps);
  };

const isShape = (value: OnnxValue, shape: readonly Dim[]): boolean =>
  value.shape.length === shape.length && value.shape.every((dim, i) => dimsEqual(dim, shape[i]));

const isOne = (value: OnnxValue): boolean =>
  value instanceof ConstantValue &&
  isFloatingPoint(value.dtype) &&
  value.tensor.data.every((each) => each === 1);

function layerNormalization(call: OnnxCall): readonly (OnnxValue | undefined)[] {
  const x = call.input(0);
  const axis = call.axis(call.attributes.int('axis', -1), x.shape.length);
  const eps = call.attributes.float('epsilon', 1e-5);
  const normalized = x.shape.slice(axis);
  const [weight, bias] = [call.input(1), call.optional(2)];
  const inLayer = isShape(weight, normalized) && (!bias || isShape(bias, normalized));
  // ONNX has no layer norm without a scale.
  const isPlain = !inLayer || (!bias && isOne(weight));
  const parameters = isPlain ? [null, null] : [weight, bias ?? null];
  const layer = call.call('aten.layer_norm.default', x, normalized, ...parameters, eps);
  const scaled = inLayer ? layer : call.call('aten.mul.Tensor', layer, weight);
  const result = inLayer || !bias ? scaled : call.call('aten.add.Tensor', scaled, bias);
  if (!call.wanted[1] && !call.wanted[2]) return [result];
  const axes = upTo(x.shape.length).slice(axis);
  const mean = call.call('aten.mean.dim', x, axes, true);
  const centred = call.call('aten.sub.Tensor', x, mean);
  const variance = call.call('aten.mean.dim', call.call('aten.square.default', centred), axes, true);
  return [result, mean, call.call('aten.rsqrt.default', call.call('aten.add.Tensor', variance, eps))];
}

/** `x / sqrt(mean(x^2) + eps) * scale` */
function rmsNormalization(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const axis = call.axis(call.attributes.int('axis', -1), x.shape.length);
  const eps = call.attributes.float('epsilon', 1e-5);
  const normalized = x.shape.slice(axis);
  const scale = call.input(1);
  const inLayer = isShape(scale, normalized);
  const norm = call.call('aten.rms_norm.default', x, normalized, inLayer ? scale : null, eps);
  return inLayer ? norm : call.call('aten.mul.Tensor', norm, scale);
}

/** Before operator set 13 everything from the axis on was one list of numbers. */
export const softmaxOfMatrix =
  (target: string) =>
  (call: OnnxCall): OnnxValue => {
    const x = call.input(0);
    const rank = x.shape.length;
    const axis = call.axis(call.attributes.int('axis', 1), rank);
    if (axis === rank - 1) return call.call(target, x, -1);
    const matrix = [mulDims(...x.shape.slice(0, axis)), mulDims(...x.shape.slice(axis))];
    return call.reshape(call.call(target, call.reshape(x, matrix), -1), x.shape);
  };

export const softmax =
  (target: string) =>
  (call: OnnxCall): OnnxValue =>
    call.call(target, call.input(0), call.attributes.int('axis', -1));

/** 1 at the first of the largest elements, else 0. */
const hardmax =
  (otherwise: number) =>
  (call: OnnxCall): OnnxValue => {
    const x = call.input(0);
    const rank = x.shape.length;
    const axis = call.axis(call.attributes.int('axis', otherwise), rank);
    const isWhole = call.opset >= 13 || axis === rank - 1;
    const matrix = isWhole
      ? x
      : call.reshape(x, [mulDims(...x.shape.slice(0, axis)), mulDims(...x.shape.slice(axis))]);
    const along = isWhole ? axis : 1;
    const count = call.static(matrix.shape[along], 'the extent');
    const first = call.call('aten.argmax.default', matrix, along, true);
    const positions = call.constant(
      Tensor.from(
        'int64',
        upTo(count),
        matrix.shape.map((_, i) => (i === along ? count : 1)),
      ),
    );
    const marks = call.cast(call.call('aten.eq.Tensor', first, positions), x.dtype);
    return call.reshape(marks, x.shape);
  };

function lpNormalization(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const axis = call.attributes.int('axis', -1);
  const isFirst = call.attributes.int('p', 2) === 1;
  const sizes = call.call(isFirst ? 'aten.abs.default' : 'aten.square.default', x);
  const sum = call.call('aten.sum.dim_IntList', sizes, [axis], true);
  const norm = isFirst ? sum : call.call('aten.sqrt.default', sum);
  return call.call('aten.div.Tensor', x, norm);
}

function meanVarianceNormalization(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const axes = call.attributes.ints('axes', [0, 2, 3]);
  const centred = call.call('aten.sub.Tensor', x, call.call('aten.mean.dim', x, axes, true));
  const variance = call.call('aten.mean.dim', call.call('aten.square.default', centred), axes, true);
  const deviation = call.call('aten.add.Tensor', call.call('aten.sqrt.default', variance), 1e-9);
  return call.call('aten.div.Tensor', centred, deviation);
}

/** Nothing happens when the model is served. */
function dropout(call: OnnxCall): readonly OnnxValue[] {
  const isTraining = call.opset >= 12 && call.optional(2) && call.number(2, 'training_mode') !== 0;
  const hasRatio = call.opset >= 12 && call.optional(1) ? call.number(1, 'the ratio') !== 0 : true;
  if (isTraining && hasRatio) throw new Error('training_mode is on: the result would be random');
  const x = call.input(0);
  if (!call.wanted[1]) return [x];
  const mask = call.cast(call.call('aten.eq.Tensor', x, x), call.opset >= 10 ? 'bool' : x.dtype);
  return [x, mask];
}

/** Normalization, and functions to probabilities. */
export const normalizationReaders: OperatorTable = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: { 18: groupNormalization(true), 21: groupNormalization(false) },
  LayerNormalization: layerNormalization,
  RMSNormalization: { 23: rmsNormalization },
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  Softmax: { 1: softmaxOfMatrix('aten.softmax.int'), 13: softmax('aten.softmax.int') },
  LogSoftmax: { 1: softmaxOfMatrix('aten.log_softmax.int'), 13: softmax('aten.log_softmax.int') },
  Hardmax: { 1: hardmax(1), 13: hardmax(-1) },
  Dropout: dropout,
};
