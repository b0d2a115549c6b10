import { isFloatingPoint } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';

/** The tensor in the dtype in which the operator computes the result. */
const operandFor = (call: OnnxCall, opType: string): OnnxValue => call.cast(call.self, call.working(opType));

/** A function that ONNX has. */
export const unary =
  (opType: string): OnnxEmitter =>
  (call) =>
    call.op(opType, [operandFor(call, opType)]);

/** A function of real numbers that is made of others. */
export const ofReal =
  (write: (call: OnnxCall, x: OnnxValue) => OnnxValue): OnnxEmitter =>
  (call) =>
    write(call, call.cast(call.self, call.real));

/** A function that leaves integers as they are. */
const ofFloats =
  (emit: OnnxEmitter): OnnxEmitter =>
  (call) =>
    isFloatingPoint(call.self.dtype) ? emit(call) : call.self;

export const number = (call: OnnxCall, value: number, like: OnnxValue): OnnxValue =>
  call.scalar(value, like.dtype);

export const times = (call: OnnxCall, x: OnnxValue, factor: number): OnnxValue =>
  call.op('Mul', [x, number(call, factor, x)]);

export const plus = (call: OnnxCall, x: OnnxValue, summand: number): OnnxValue =>
  call.op('Add', [x, number(call, summand, x)]);

/** Towards zero, which ONNX does not have. */
export const truncated = (call: OnnxCall, x: OnnxValue): OnnxValue =>
  call.op('Mul', [call.op('Sign', [x]), call.op('Floor', [call.op('Abs', [x])])]);

/** `tanh(x / 2) * (e^x + 1)`, which is exact near 0 as well. */
const expMinus1 = ofReal((call, x) =>
  call.op('Mul', [call.op('Tanh', [times(call, x, 0.5)]), plus(call, call.op('Exp', [x]), 1)]),
);

/** `log(1 + x)`; near 0 as `2 atanh(x / (x + 2))`, which is exact there. */
const logOf1Plus = ofReal((call, x) => {
  const isNear = call.ask('Less', call.op('Abs', [x]), number(call, 0.5, x));
  const near = times(call, call.op('Atanh', [call.op('Div', [x, plus(call, x, 2)])]), 2);
  return call.where(isNear, near, call.op('Log', [plus(call, x, 1)]));
});

const roundToDecimals = ofReal((call, x) => {
  const factor = number(call, 10 ** Math.abs(call.args.number('decimals')), x);
  const [there, back] = call.args.number('decimals') < 0 ? ['Div', 'Mul'] : ['Mul', 'Div'];
  return call.op(back, [call.op('Round', [call.op(there, [x, factor])]), factor]);
});

const logit = ofReal((call, given) => {
  const eps = call.args.optionalNumber('eps');
  const bounds = eps === null ? [] : [number(call, eps, given), number(call, 1 - eps, given)];
  const x = eps === null ? given : call.op('Clip', [given, ...bounds]);
  return call.op('Log', [call.op('Div', [x, call.op('Sub', [number(call, 1, x), x])])]);
});

/** The largest number of float32 or float64. */
const largest = (x: OnnxValue): number =>
  x.dtype === 'float64' ? Number.MAX_VALUE : 2 ** 127 * (2 - 2 ** -23);

const nanToNumber = ofReal((call, x) => {
  const { args } = call;
  const otherwise = (value: OnnxValue, is: OnnxValue, given: number) =>
    call.where(is, number(call, given, x), value);
  const infinity = (sign: number) => call.ask('Equal', x, number(call, sign * Number.POSITIVE_INFINITY, x));
  const known = otherwise(x, call.ask('IsNaN', x), args.optionalNumber('nan') ?? 0);
  const below = otherwise(known, infinity(1), args.optionalNumber('posinf') ?? largest(x));
  return otherwise(below, infinity(-1), args.optionalNumber('neginf') ?? -largest(x));
});

const direct: Readonly<Record<string, string>> = {
  sin: 'Sin',
  cos: 'Cos',
  tan: 'Tan',
  asin: 'Asin',
  acos: 'Acos',
  atan: 'Atan',
  sinh: 'Sinh',
  cosh: 'Cosh',
  asinh: 'Asinh',
  acosh: 'Acosh',
  atanh: 'Atanh',
  erf: 'Erf',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  reciprocal: 'Reciprocal',
  abs: 'Abs',
  neg: 'Neg',
};

/** Functions of one number. */
export const functionEmitters: OnnxEmitters = {
  ...Object.fromEntries(
    Object.entries(direct).map(([name, opType]) => [`aten.${name}.default`, unary(opType)]),
  ),
  'aten.sign.default': (call) => (call.self.dtype === 'bool' ? call.self : unary('Sign')(call)),
  'aten.square.default': (call) => {
    const x = operandFor(call, 'Pow');
    return call.op('Pow', [x, number(call, 2, x)]);
  },
  'aten.rsqrt.default': ofReal((call, x) => call.op('Reciprocal', [call.op('Sqrt', [x])])),
  'aten.erfc.default': ofReal((call, x) => call.op('Sub', [number(call, 1, x), call.op('Erf', [x])])),
  'aten.exp2.default': ofReal((call, x) => call.op('Pow', [number(call, 2, x), x])),
  'aten.expm1.default': expMinus1,
  'aten.log1p.default': logOf1Plus,
  'aten.log2.default': ofReal((call, x) => times(call, call.op('Log', [x]), Math.LOG2E)),
  'aten.log10.default': ofReal((call, x) => times(call, call.op('Log', [x]), Math.LOG10E)),
  'aten.floor.default': ofFloats(unary('Floor')),
  'aten.ceil.default': ofFloats(unary('Ceil')),
  'aten.round.default': ofFloats(unary('Round')),
  'aten.round.decimals': roundToDecimals,
  'aten.trunc.default': ofFloats(ofReal(truncated)),
  'aten.frac.default': ofReal((call, x) => call.op('Sub', [x, truncated(call, x)])),
  'aten.logit.default': logit,
  'aten.nan_to_num.default': ofFloats(nanToNumber),
};
