import { FLOAT32_EPSILON, numelOf, Tensor } from '../../../../tensor/index.ts';
import { float, type OnnxCall, type OnnxEmitter, type OnnxEmitters, upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { number, plus } from './functions.ts';

/** A scale or shift, filled in where it is left out. */
function orFilled(call: OnnxCall, name: string, value: number, shape: readonly number[]): OnnxValue {
  if (!call.args.isNone(name)) return call.operand(name, call.real);
  return call.constant(Tensor.from('float32', Array(numelOf(shape)).fill(value), shape));
}

const epsilon = ({ args }: OnnxCall) => ({ epsilon: float(args.number('eps')) });

function batchNorm(call: OnnxCall): OnnxValue {
  const { args } = call;
  const x = call.operand('input', call.real);
  const channels = [call.static(x.shape[1], 'the number of channels')];
  const [mean, variance] = ['running_mean', 'running_var'].map((name) => call.operand(name, call.real));
  const [scale, shift] = [orFilled(call, 'weight', 1, channels), orFilled(call, 'bias', 0, channels)];
  return call.op('BatchNormalization', [x, scale, shift, mean, variance], {
    ...epsilon(call),
    // PyTorch's is the part of the new value, ONNX's that of the old one.
    momentum: float(1 - args.number('momentum')),
  });
}

function layerNorm(call: OnnxCall): OnnxValue {
  const { args } = call;
  const x = call.operand('input', call.real);
  const sizes = args.dims('normalized_shape');
  const shift = args.isNone('bias') ? null : call.operand('bias', x.dtype);
  if (call.opset < 17) return layerNormSpelledOut(call, x, sizes.length, shift);
  const scale = args.isNone('weight')
    ? orFilled(call, 'weight', 1, call.extents(sizes, 'the shape of a layer norm without a weight'))
    : call.operand('weight', x.dtype);
  return call.op('LayerNormalization', [x, scale, shift], { axis: -sizes.length, ...epsilon(call) });
}

/** `(x - mean) / sqrt(mean((x - mean)^2) + eps) * weight + bias` */
function layerNormSpelledOut(
  call: OnnxCall,
  x: OnnxValue,
  count: number,
  shift: OnnxValue | null,
): OnnxValue {
  const axes = upTo(x.rank).slice(x.rank - count);
  const centred = call.op('Sub', [x, call.reduce('ReduceMean', x, axes, true)]);
  const squares = call.op('Pow', [centred, number(call, 2, x)]);
  const variance = plus(call, call.reduce('ReduceMean', squares, axes, true), call.args.number('eps'));
  const normal = call.op('Div', [centred, call.op('Sqrt', [variance])]);
  const scaled = call.args.isNone('weight')
    ? normal
    : call.op('Mul', [normal, call.operand('weight', x.dtype)]);
  return shift ? call.op('Add', [scaled, shift]) : scaled;
}

/** `x / sqrt(mean(x^2) + eps) * weight`: ONNX has it as one operator since set 23. */
function rmsNorm(call: OnnxCall): OnnxValue {
  const { args } = call;
  const x = call.operand('input', call.real);
  const axes = upTo(x.rank).slice(x.rank - args.dims('normalized_shape').length);
  const squares = call.op('Pow', [x, number(call, 2, x)]);
  const mean = call.reduce('ReduceMean', squares, axes, true);
  const root = call.op('Sqrt', [plus(call, mean, args.optionalNumber('eps') ?? FLOAT32_EPSILON)]);
  const normal = call.op('Div', [x, root]);
  return args.isNone('weight') ? normal : call.op('Mul', [normal, call.operand('weight', x.dtype)]);
}

/** With as many groups as channels it is an instance norm; before operator set 21 by way of one. */
function groupNorm(call: OnnxCall): OnnxValue {
  const { args } = call;
  const x = call.operand('input', call.real);
  const groups = args.number('num_groups');
  const channels = call.static(x.shape[1], 'the number of channels');
  const parameters = () => [orFilled(call, 'weight', 1, [channels]), orFilled(call, 'bias', 0, [channels])];
  if (x.rank > 2 && groups === channels)
    return call.op('InstanceNormalization', [x, ...parameters()], epsilon(call));
  if (x.rank > 2 && call.opset >= 21)
    return call.op('GroupNormalization', [x, ...parameters()], { num_groups: groups, ...epsilon(call) });
  const grouped = call.op('Reshape', [x, call.integers([0, groups, -1])]);
  const [one, zero] = [1, 0].map((value) => call.constant(Tensor.from('float32', Array(groups).fill(value))));
  const normal = call.op('InstanceNormalization', [grouped, one, zero], epsilon(call));
  const whole = call.op('Reshape', [normal, call.sizes(x.shape)], {}, { shape: x.shape });
  const ofChannels = (value: OnnxValue) => call.unsqueeze(value, upTo(x.rank - 1).slice(1));
  const scaled = args.isNone('weight')
    ? whole
    : call.op('Mul', [whole, ofChannels(call.operand('weight', x.dtype))]);
  return args.isNone('bias') ? scaled : call.op('Add', [scaled, ofChannels(call.operand('bias', x.dtype))]);
}

const softmax =
  (opType: string): OnnxEmitter =>
  (call) =>
    call.op(opType, [call.cast(call.self, call.real)], { axis: call.args.number('dim') });

/** Of a row of -inf alone, which ONNX's softmax makes NaN, zeros. */
export function orZero(call: OnnxCall, probabilities: OnnxValue): OnnxValue {
  return call.where(call.ask('IsNaN', probabilities), number(call, 0, probabilities), probabilities);
}

/** Normalization, and functions to probabilities. */
export const normalizationEmitters: OnnxEmitters = {
  'aten.batch_norm.default': batchNorm,
  'aten.layer_norm.default': layerNorm,
  'aten.rms_norm.default': rmsNorm,
  'aten.group_norm.default': groupNorm,
  'aten.softmax.int': softmax('Softmax'),
  'aten.log_softmax.int': softmax('LogSoftmax'),
  'aten._safe_softmax.default': (call) => orZero(call, softmax('Softmax')(call) as OnnxValue),
};
