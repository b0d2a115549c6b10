import { float, type OnnxCall, type OnnxEmitter, type OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { number, ofReal, plus, times, unary } from './functions.ts';

/** ONNX's operator with a parameter. */
const withAlpha = (opType: string, argument: string): OnnxEmitter =>
  ofReal((call, x) => call.op(opType, [x], { alpha: float(call.args.number(argument)) }));

/** Before operator set 14 there is none for integers. */
function relu(call: OnnxCall): OnnxValue {
  const dtype = call.working('Relu');
  if (dtype === call.self.dtype) return call.op('Relu', [call.self]);
  const x = call.cast(call.self, call.working('Max'));
  return call.op('Max', [x, number(call, 0, x)]);
}

const hardSigmoid = (call: OnnxCall, x: OnnxValue): OnnxValue =>
  call.op('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });

const gated = (gate: (call: OnnxCall, x: OnnxValue) => OnnxValue): OnnxEmitter =>
  ofReal((call, x) => call.op('Mul', [x, gate(call, x)]));

/** Of an operator that came later, with what it is made of before. */
const since = (opset: number, opType: string, before: OnnxEmitter): OnnxEmitter => {
  const own = ofReal((call, x) => call.op(opType, [x]));
  return (call) => (call.opset >= opset ? own : before)(call);
};

/** `x * (1 + f(x)) * 0.5` */
const halved = (call: OnnxCall, x: OnnxValue, f: OnnxValue): OnnxValue =>
  times(call, call.op('Mul', [x, plus(call, f, 1)]), 0.5);

const gelu = ofReal((call, x) => {
  const approximate = call.args.string('approximate');
  if (call.opset >= 20) return call.op('Gelu', [x], { approximate });
  if (approximate === 'none') return halved(call, x, call.op('Erf', [times(call, x, Math.SQRT1_2)]));
  const cube = call.op('Pow', [x, number(call, 3, x)]);
  const inner = call.op('Add', [x, times(call, cube, 0.044715)]);
  return halved(call, x, call.op('Tanh', [times(call, inner, Math.sqrt(2 / Math.PI))]));
});

/** `scale * elu(input_scale * x, alpha)` */
const elu = ofReal((call, x) => {
  const [alpha, scale, inputScale] = ['alpha', 'scale', 'input_scale'].map((name) => call.args.number(name));
  // PyTorch scales the input of the exponential alone.
  if (inputScale !== 1) {
    const curve = times(call, plus(call, call.op('Exp', [times(call, x, inputScale)]), -1), alpha);
    const whole = call.where(call.ask('Greater', x, number(call, 0, x)), x, curve);
    return times(call, whole, scale);
  }
  const curve = call.op('Elu', [x], { alpha: float(alpha) });
  return scale === 1 ? curve : times(call, curve, scale);
});

/** `log(1 + e^(beta x)) / beta`, and x itself where beta x is above a threshold that rounding has reached before. */
const softplus = ofReal((call, x) => {
  const [beta, threshold] = [call.args.number('beta'), call.args.number('threshold')];
  const scaled = beta === 1 ? x : times(call, x, beta);
  const curve = call.op('Softplus', [scaled]);
  const soft = beta === 1 ? curve : times(call, curve, 1 / beta);
  if (threshold >= 20) return soft;
  return call.where(call.ask('Greater', scaled, number(call, threshold, x)), x, soft);
});

const threshold = ofReal((call, x) => {
  const isLow = call.ask('LessOrEqual', x, number(call, call.args.number('threshold'), x));
  return call.where(isLow, number(call, call.args.number('value'), x), x);
});

const shrink = (bias: (lambd: number) => number): OnnxEmitter =>
  ofReal((call, x) => {
    const lambd = call.args.number('lambd');
    return call.op('Shrink', [x], { lambd: float(lambd), bias: float(bias(lambd)) });
  });

/** Between numbers; null where there is no bound. */
function clip(call: OnnxCall, min: number | null, max: number | null): OnnxValue {
  const x = call.cast(call.self, call.working('Clip'));
  const bound = (value: number | null) => (value === null ? null : number(call, value, x));
  return call.op('Clip', [x, bound(min), bound(max)]);
}

/** One bound, a number or a tensor. */
const bound =
  (opType: 'Max' | 'Min', name: 'min' | 'max'): OnnxEmitter =>
  (call) => {
    const dtype = call.working(opType);
    return call.op(opType, [call.cast(call.self, dtype), call.operand(name, dtype)]);
  };

/** Bounds that are tensors. */
function clampToTensors(call: OnnxCall): OnnxValue {
  const dtype = call.working('Max');
  const x = call.cast(call.self, dtype);
  const { shape } = call.meta;
  const low = call.args.isNone('min') ? x : call.op('Max', [x, call.operand('min', dtype)], {}, { shape });
  return call.args.isNone('max') ? low : call.op('Min', [low, call.operand('max', dtype)]);
}

/** Functions of networks. */
export const activationEmitters: OnnxEmitters = {
  'aten.relu.default': relu,
  'aten.leaky_relu.default': withAlpha('LeakyRelu', 'negative_slope'),
  'aten.elu.default': elu,
  'aten.selu.default': unary('Selu'),
  'aten.celu.default': withAlpha('Celu', 'alpha'),
  'aten.hardsigmoid.default': ofReal(hardSigmoid),
  'aten.hardswish.default': since(14, 'HardSwish', gated(hardSigmoid)),
  'aten.silu.default': gated((call, x) => call.op('Sigmoid', [x])),
  'aten.mish.default': since(
    18,
    'Mish',
    gated((call, x) => call.op('Tanh', [call.op('Softplus', [x])])),
  ),
  'aten.gelu.default': gelu,
  'aten.softplus.default': softplus,
  'aten.threshold.default': threshold,
  'aten.log_sigmoid.default': ofReal((call, x) =>
    call.op('Neg', [call.op('Softplus', [call.op('Neg', [x])])]),
  ),
  'aten.hardshrink.default': shrink(() => 0),
  'aten.softshrink.default': shrink((lambd) => lambd),
  'aten.hardtanh.default': (call) => clip(call, call.args.number('min_val'), call.args.number('max_val')),
  'aten.relu6.default': (call) => clip(call, 0, 6),
  'aten.clamp.default': (call) =>
    clip(call, call.args.optionalNumber('min'), call.args.optionalNumber('max')),
  'aten.clamp.Tensor': clampToTensors,
  'aten.clamp_min.default': bound('Max', 'min'),
  'aten.clamp_min.Tensor': bound('Max', 'min'),
  'aten.clamp_max.default': bound('Min', 'max'),
  'aten.clamp_max.Tensor': bound('Min', 'max'),
};
