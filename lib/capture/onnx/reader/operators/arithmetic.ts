import { isFloatingPoint } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorReader, OperatorTable } from '../call.ts';
import type { OnnxValue } from '../values.ts';
import { chain, same } from './common.ts';

/**
 * The number that a constant operand stands for: one of one element, which does not give the other operand more
 * dimensions.
 */
export function numberBeside(call: OnnxCall, operand: OnnxValue, other: OnnxValue): number | undefined {
  if (operand.shape.length > other.shape.length || !isFloatingPoint(operand.dtype)) return undefined;
  return call.numberIn(operand);
}

/** A commutative operation; a constant number stands on the right. */
export function commutative(call: OnnxCall, target: string, a: OnnxValue, b: OnnxValue): OnnxValue {
  const right = numberBeside(call, b, a);
  if (right !== undefined) return call.call(target, a, right);
  const left = numberBeside(call, a, b);
  return left === undefined ? call.call(target, a, b) : call.call(target, b, left);
}

export function subtract(call: OnnxCall, a: OnnxValue, b: OnnxValue): OnnxValue {
  const right = numberBeside(call, b, a);
  if (right !== undefined) return call.call('aten.sub.Tensor', a, right);
  const left = numberBeside(call, a, b);
  return left === undefined ? call.call('aten.sub.Tensor', a, b) : call.call('aten.rsub.Scalar', b, left);
}

export function divide(call: OnnxCall, a: OnnxValue, b: OnnxValue): OnnxValue {
  // Quotients of integers are rounded to zero.
  if (!isFloatingPoint(a.dtype))
    return call.callWith('aten.div.Tensor_mode', [a, b], { rounding_mode: 'trunc' });
  const right = numberBeside(call, b, a);
  if (right !== undefined) return call.call('aten.div.Tensor', a, right);
  if (numberBeside(call, a, b) === 1) return call.call('aten.reciprocal.default', b);
  return call.call('aten.div.Tensor', a, b);
}

/** The inputs, the second one as operator sets before 7 broadcast it: along an axis that the node names. */
function operands(call: OnnxCall): readonly [OnnxValue, OnnxValue] {
  const [a, b] = [call.input(0), call.input(1)];
  if (call.opset >= 7 || call.attributes.int('broadcast', 0) === 0) return [a, b];
  const rank = a.shape.length;
  const axis = call.attributes.has('axis')
    ? call.axis(call.attributes.int('axis'), rank)
    : rank - b.shape.length;
  const after = Array<number>(rank - axis - b.shape.length).fill(1);
  return [a, call.reshape(b, [...b.shape, ...after])];
}

const binary =
  (combine: (call: OnnxCall, a: OnnxValue, b: OnnxValue) => OnnxValue): OperatorReader =>
  (call) =>
    combine(call, ...operands(call));

/** A constant exponent, as in squares and roots; or a constant base; or neither. */
function power(call: OnnxCall, base: OnnxValue, exponent: OnnxValue): OnnxValue {
  const real = call.cast(exponent, base.dtype);
  const right = base.shape.length >= real.shape.length ? call.numberIn(real) : undefined;
  if (right === 2) return call.call('aten.square.default', base);
  if (right !== undefined) return call.call('aten.pow.Tensor_Scalar', base, right);
  const left = numberBeside(call, base, real);
  return left === undefined
    ? call.call('aten.pow.Tensor_Tensor', base, real)
    : call.call('aten.pow.Scalar', left, real);
}

function modulo(call: OnnxCall, a: OnnxValue, b: OnnxValue): OnnxValue {
  const truncates = call.attributes.int('fmod', 0) === 1;
  return call.call(truncates ? 'aten.fmod.Tensor' : 'aten.remainder.Tensor', a, b);
}

function mean(call: OnnxCall): OnnxValue {
  const sum = add(call) as OnnxValue;
  return call.inputs.length === 1 ? sum : call.call('aten.mul.Tensor', sum, 1 / call.inputs.length);
}

const add = chain((call, a, b) => commutative(call, 'aten.add.Tensor', a, b));

/** Of floats with a number this is a clamp. */
const extremum = (tensors: string, numbers: string): OperatorReader =>
  chain((call, a, b) => {
    const [right, left] = [numberBeside(call, b, a), numberBeside(call, a, b)];
    if (right !== undefined) return call.call(numbers, a, right);
    return left === undefined ? call.call(tensors, a, b) : call.call(numbers, b, left);
  });

/** Arithmetic, with numpy's broadcasting. */
export const arithmeticReaders: OperatorTable = {
  Add: binary((call, a, b) => commutative(call, 'aten.add.Tensor', a, b)),
  Sub: binary(subtract),
  Mul: binary((call, a, b) => commutative(call, 'aten.mul.Tensor', a, b)),
  Div: binary(divide),
  Pow: binary(power),
  Mod: (call) => modulo(call, call.input(0), call.input(1)),
  Sum: add,
  Mean: mean,
  Max: extremum('aten.maximum.default', 'aten.clamp_min.default'),
  Min: extremum('aten.minimum.default', 'aten.clamp_max.default'),
  Neg: same('aten.neg.default'),
  Abs: same('aten.abs.default'),
  Sqrt: same('aten.sqrt.default'),
  Exp: same('aten.exp.default'),
  Log: same('aten.log.default'),
  Reciprocal: same('aten.reciprocal.default'),
  Erf: same('aten.erf.default'),
  Sign: same('aten.sign.default'),
  Floor: same('aten.floor.default'),
  Ceil: same('aten.ceil.default'),
  Round: same('aten.round.default'),
  Sin: same('aten.sin.default'),
  Cos: same('aten.cos.default'),
  Tan: same('aten.tan.default'),
  Asin: same('aten.asin.default'),
  Acos: same('aten.acos.default'),
  Atan: same('aten.atan.default'),
  Sinh: same('aten.sinh.default'),
  Cosh: same('aten.cosh.default'),
  Asinh: same('aten.asinh.default'),
  Acosh: same('aten.acosh.default'),
  Atanh: same('aten.atanh.default'),
};
