import { isFloatingPoint } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { number, plus, times, truncated } from './functions.ts';

/** Both operands in a dtype. */
const operands = (call: OnnxCall, opType: string, names = ['self', 'other']): readonly OnnxValue[] => {
  const dtype = call.working(opType);
  return names.map((name) => call.operand(name, dtype));
};

/** ONNX's operator, of truth values another one. */
const binary =
  (opType: string, ofBools = opType): OnnxEmitter =>
  (call) =>
    call.meta.dtype === 'bool'
      ? call.ask(ofBools, call.operand('self', 'bool'), call.operand('other', 'bool'))
      : call.op(opType, operands(call, opType));

/** `other`, times `alpha`. */
function scaledOther(call: OnnxCall, opType: string): OnnxValue {
  const [alpha, other] = [call.args.number('alpha'), call.args.raw('other')];
  const dtype = call.working(opType);
  if (typeof other === 'number') return call.scalar(other * alpha, dtype);
  const value = call.operand('other', dtype);
  return alpha === 1 ? value : times(call, value, alpha);
}

/** `self + alpha * other`, or the difference. */
const additive =
  (opType: 'Add' | 'Sub'): OnnxEmitter =>
  (call) => {
    if (call.meta.dtype === 'bool') return binary(opType, 'Or')(call);
    return call.op(opType, [call.operand('self', call.working(opType)), scaledOther(call, opType)]);
  };

/** `other - alpha * self` */
function reversedDifference(call: OnnxCall): OnnxValue {
  const [self, other] = operands(call, 'Sub');
  const alpha = call.args.number('alpha');
  return call.op('Sub', [other, alpha === 1 ? self : times(call, self, alpha)]);
}

/** `self + value * f(tensor1, tensor2)` */
const addedTo =
  (opType: 'Mul' | 'Div'): OnnxEmitter =>
  (call) => {
    const [self, a, b] = operands(call, 'Add', ['self', 'tensor1', 'tensor2']);
    const value = call.args.number('value');
    const combined = call.op(opType, [a, b]);
    return call.op('Add', [self, value === 1 ? combined : times(call, combined, value)]);
  };

/** `self + weight * (end - self)` */
function lerp(call: OnnxCall): OnnxValue {
  const [self, end, weight] = operands(call, 'Add', ['self', 'end', 'weight']);
  return call.op('Add', [self, call.op('Mul', [call.op('Sub', [end, self]), weight])]);
}

/** The remainder with the sign of the divisor. ONNX has it for integers; of floats it follows from the other one. */
function remainder(call: OnnxCall, a: OnnxValue, b: OnnxValue): OnnxValue {
  if (!isFloatingPoint(a.dtype)) return call.op('Mod', [a, b]);
  const rest = call.op('Mod', [a, b], { fmod: 1 });
  const zero = number(call, 0, a);
  const isNegative = (value: OnnxValue) => call.ask('Less', value, zero);
  const isOther = call.ask('Xor', isNegative(rest), isNegative(b));
  const isWrong = call.ask('And', isOther, call.ask('Not', call.ask('Equal', rest, zero)));
  return call.where(isWrong, call.op('Add', [rest, b]), rest);
}

/** Downwards: what is left without the remainder is a multiple. */
export function floorDivide(call: OnnxCall, a: OnnxValue, b: OnnxValue): OnnxValue {
  const whole = call.op('Div', [call.op('Sub', [a, remainder(call, a, b)]), b]);
  if (!isFloatingPoint(a.dtype)) return whole;
  const isZero = call.ask('Equal', b, number(call, 0, b));
  return call.where(isZero, call.op('Div', [a, b]), call.op('Round', [whole]));
}

function divideRounded(call: OnnxCall): OnnxValue {
  const [a, b] = operands(call, 'Div');
  if (call.args.isNone('rounding_mode')) return call.op('Div', [a, b]);
  if (call.args.string('rounding_mode') === 'floor') return floorDivide(call, a, b);
  const quotient = call.op('Div', [a, b]);
  // Quotients of integers are rounded so.
  return isFloatingPoint(a.dtype) ? truncated(call, quotient) : quotient;
}

const power: OnnxEmitter = (call) => call.op('Pow', operands(call, 'Pow', ['self', 'exponent']));

/** Of a number and NaN it is the number. */
const withoutNan =
  (opType: 'Max' | 'Min'): OnnxEmitter =>
  (call) => {
    const [a, b] = operands(call, opType);
    const extremum = call.op(opType, [a, b]);
    if (!isFloatingPoint(a.dtype)) return extremum;
    const orB = call.where(call.ask('IsNaN', a), b, extremum);
    return call.where(call.ask('IsNaN', b), a, orB);
  };

/** The angle of a point, from that of its slope and its quadrant. */
function angle(call: OnnxCall): OnnxValue {
  const [y, x] = operands(call, '');
  const zero = number(call, 0, x);
  const slope = call.op('Atan', [call.op('Div', [y, x])]);
  const isUpper = call.ask('GreaterOrEqual', y, zero);
  const behind = call.where(isUpper, plus(call, slope, Math.PI), plus(call, slope, -Math.PI));
  const beside = times(call, call.op('Sign', [y]), Math.PI / 2);
  const left = call.where(call.ask('Less', x, zero), behind, beside);
  return call.where(call.ask('Greater', x, zero), slope, left);
}

/** Whether the sign is negative, of zeros too. */
export function hasNegativeSign(call: OnnxCall, x: OnnxValue): OnnxValue {
  const isNegative = (value: OnnxValue) => call.ask('Less', value, number(call, 0, value));
  if (!isFloatingPoint(x.dtype)) return isNegative(x);
  return call.ask('Or', isNegative(x), isNegative(call.op('Reciprocal', [x])));
}

function copySign(call: OnnxCall): OnnxValue {
  const [size, sign] = operands(call, '');
  const positive = call.op('Abs', [size]);
  return call.where(hasNegativeSign(call, sign), call.op('Neg', [positive]), positive);
}

/** `log(e^a + e^b)`: what the lesser one adds to the greater one. */
function logAddExp(call: OnnxCall): OnnxValue {
  const [a, b] = operands(call, '');
  const distance = call.op('Abs', [call.op('Sub', [a, b])]);
  const more = call.op('Softplus', [call.op('Neg', [distance])]);
  const sum = call.op('Add', [call.op('Max', [a, b]), more]);
  // Of two infinities the distance is not known.
  return call.where(call.ask('Equal', a, b), plus(call, a, Math.LN2), sum);
}

/** `x log(y)`, 0 where x is. */
function xLogY(call: OnnxCall): OnnxValue {
  const [x, y] = operands(call, '');
  const product = call.op('Mul', [x, call.op('Log', [y])]);
  const isZero = call.ask(
    'And',
    call.ask('Equal', x, number(call, 0, x)),
    call.ask('Not', call.ask('IsNaN', y)),
  );
  return call.where(isZero, number(call, 0, x), product);
}

const squareOf = (call: OnnxCall, x: OnnxValue): OnnxValue => call.op('Mul', [x, x]);

const bothOverloads = (name: string, emit: OnnxEmitter, suffix = ''): OnnxEmitters => ({
  [`aten.${name}.Tensor${suffix}`]: emit,
  [`aten.${name}.Scalar${suffix}`]: emit,
});

const remainderOf: OnnxEmitter = (call) => {
  const [a, b] = operands(call, 'Mod');
  return remainder(call, a, b);
};

const floorDivision: OnnxEmitter = (call) => {
  const [a, b] = operands(call, 'Div');
  return floorDivide(call, a, b);
};

/** Arithmetic of tensors and numbers, with broadcasting. */
export const arithmeticEmitters: OnnxEmitters = {
  ...bothOverloads('add', additive('Add')),
  ...bothOverloads('sub', additive('Sub')),
  ...bothOverloads('rsub', reversedDifference),
  ...bothOverloads('mul', binary('Mul', 'And')),
  ...bothOverloads('div', binary('Div')),
  ...bothOverloads('div', divideRounded, '_mode'),
  ...bothOverloads('remainder', remainderOf),
  'aten.remainder.Scalar_Tensor': remainderOf,
  ...bothOverloads('fmod', (call) => call.op('Mod', operands(call, 'Mod'), { fmod: 1 })),
  'aten.floor_divide.default': floorDivision,
  'aten.floor_divide.Scalar': floorDivision,
  'aten.maximum.default': binary('Max', 'Or'),
  'aten.minimum.default': binary('Min', 'And'),
  'aten.max.other': binary('Max', 'Or'),
  'aten.min.other': binary('Min', 'And'),
  'aten.fmax.default': withoutNan('Max'),
  'aten.fmin.default': withoutNan('Min'),
  'aten.pow.Tensor_Tensor': power,
  'aten.pow.Tensor_Scalar': power,
  'aten.pow.Scalar': power,
  'aten.addcmul.default': addedTo('Mul'),
  'aten.addcdiv.default': addedTo('Div'),
  'aten.lerp.Scalar': lerp,
  'aten.lerp.Tensor': lerp,
  'aten.atan2.default': angle,
  'aten.hypot.default': (call) => {
    const [a, b] = operands(call, '').map((x) => squareOf(call, x));
    return call.op('Sqrt', [call.op('Add', [a, b])]);
  },
  'aten.copysign.Tensor': copySign,
  'aten.logaddexp.default': logAddExp,
  'aten.xlogy.Tensor': xLogY,
};
