import { resultType } from '../../../../aten/index.ts';
import { isFloatingPoint } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { hasNegativeSign } from './arithmetic.ts';
import { number } from './functions.ts';

/** Both operands in the dtype in which PyTorch compares them. */
function compared(call: OnnxCall, opType: string): readonly OnnxValue[] {
  const { args } = call;
  const other = args.raw('other') as OnnxValue | number | boolean;
  const promoted = resultType([call.self, other], args.schema.name);
  const dtype = call.working(opType, promoted);
  return ['self', 'other'].map((name) => call.operand(name, dtype));
}

const comparison =
  (opType: string): OnnxEmitter =>
  (call) =>
    call.ask(opType, ...compared(call, opType));

const both = (name: string, emit: OnnxEmitter): OnnxEmitters => ({
  [`aten.${name}.Tensor`]: emit,
  [`aten.${name}.Scalar`]: emit,
});

const logic =
  (opType: string): OnnxEmitter =>
  (call) =>
    call.ask(opType, call.operand('self', 'bool'), call.operand('other', 'bool'));

/** A question about floats; of integers the answer is always the same. */
const aboutFloats =
  (ask: (call: OnnxCall, x: OnnxValue) => OnnxValue, ofIntegers: boolean): OnnxEmitter =>
  (call) => {
    const { self } = call;
    if (isFloatingPoint(self.dtype)) return ask(call, call.cast(self, call.working('IsNaN', self.dtype)));
    const same = call.ask('Equal', self, self);
    return ofIntegers ? same : call.ask('Not', same);
  };

const is = (infinity: number) => (call: OnnxCall, x: OnnxValue) =>
  call.ask('Equal', x, number(call, infinity, x));

/** The elements of two operands by a condition; of truth values by logic, since ONNX Runtime chooses none of them. */
function choose(call: OnnxCall, condition: OnnxValue, a: string, b: string): OnnxValue {
  if (call.meta.dtype === 'bool') {
    const yes = call.ask('And', condition, call.operand(a, 'bool'));
    return call.ask('Or', yes, call.ask('And', call.ask('Not', condition), call.operand(b, 'bool')));
  }
  const dtype = call.working('Where');
  return call.where(condition, call.operand(a, dtype), call.operand(b, dtype));
}

const where: OnnxEmitter = (call) => choose(call, call.args.tensor('condition'), 'self', 'other');
const maskedFill: OnnxEmitter = (call) => choose(call, call.args.tensor('mask'), 'value', 'self');

/** Comparisons, logic, questions about numbers, and choices by their answers. */
export const comparisonEmitters: OnnxEmitters = {
  ...both('eq', comparison('Equal')),
  ...both('ne', (call) => call.ask('Not', call.ask('Equal', ...compared(call, 'Equal')))),
  ...both('lt', comparison('Less')),
  ...both('le', comparison('LessOrEqual')),
  ...both('gt', comparison('Greater')),
  ...both('ge', comparison('GreaterOrEqual')),
  'aten.logical_and.default': logic('And'),
  'aten.logical_or.default': logic('Or'),
  'aten.logical_xor.default': logic('Xor'),
  'aten.logical_not.default': (call) => call.ask('Not', call.operand('self', 'bool')),
  'aten.isnan.default': aboutFloats((call, x) => call.ask('IsNaN', x), false),
  'aten.isinf.default': aboutFloats((call, x) => call.ask('IsInf', x), false),
  'aten.isposinf.default': aboutFloats(is(Number.POSITIVE_INFINITY), false),
  'aten.isneginf.default': aboutFloats(is(Number.NEGATIVE_INFINITY), false),
  'aten.isfinite.default': aboutFloats(
    (call, x) => call.ask('Not', call.ask('Or', call.ask('IsInf', x), call.ask('IsNaN', x))),
    true,
  ),
  'aten.signbit.default': (call) =>
    hasNegativeSign(call, call.cast(call.self, call.working('Less', call.self.dtype))),
  'aten.where.self': where,
  'aten.where.Scalar': where,
  'aten.where.ScalarSelf': where,
  'aten.where.ScalarOther': where,
  'aten.masked_fill.Scalar': maskedFill,
  'aten.masked_fill.Tensor': maskedFill,
};
