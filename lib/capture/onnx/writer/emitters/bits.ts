import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { floorDivide } from './arithmetic.ts';
import { number } from './functions.ts';

/** Of truth values it is logic. */
const logic =
  (name: 'And' | 'Or' | 'Xor'): OnnxEmitter =>
  (call) => {
    const { dtype } = call.meta;
    const operands = ['self', 'other'].map((operand) => call.operand(operand, dtype));
    if (dtype === 'bool') return call.ask(name, ...operands);
    call.since(18, `Bitwise${name}`);
    return call.op(`Bitwise${name}`, operands);
  };

function not(call: OnnxCall): OnnxValue {
  if (call.self.dtype === 'bool') return call.ask('Not', call.self);
  call.since(18, 'BitwiseNot');
  return call.op('BitwiseNot', [call.self]);
}

/** ONNX shifts integers without a sign alone; others by a product with a power of two, or a quotient rounded down. */
const shift =
  (direction: string, move: (call: OnnxCall, x: OnnxValue, factor: OnnxValue) => OnnxValue): OnnxEmitter =>
  (call) => {
    const { dtype } = call.meta;
    if (dtype === 'uint8' || dtype === 'uint16')
      return call.op('BitShift', [call.operand('self', dtype), call.operand('other', dtype)], { direction });
    const [x, places] = ['self', 'other'].map((name) => call.operand(name, 'int64'));
    return move(call, x, call.op('Pow', [number(call, 2, x), places]));
  };

const left = shift('LEFT', (call, x, factor) => call.op('Mul', [x, factor]));
const right = shift('RIGHT', floorDivide);

const overloads = (name: string, emit: OnnxEmitter): OnnxEmitters =>
  Object.fromEntries(['Tensor', 'Scalar', 'Scalar_Tensor'].map((each) => [`aten.${name}.${each}`, emit]));

/** Operations on bits, and on truth values. */
export const bitEmitters: OnnxEmitters = {
  ...overloads('bitwise_and', logic('And')),
  ...overloads('bitwise_or', logic('Or')),
  ...overloads('bitwise_xor', logic('Xor')),
  'aten.bitwise_not.default': not,
  'aten.bitwise_left_shift.Tensor': left,
  'aten.bitwise_left_shift.Tensor_Scalar': left,
  'aten.bitwise_right_shift.Tensor': right,
  'aten.bitwise_right_shift.Tensor_Scalar': right,
};
