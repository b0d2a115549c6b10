import type { OnnxCall, OperatorReader, OperatorTable } from '../call.ts';
import type { OnnxValue } from '../values.ts';
import { numberBeside } from './arithmetic.ts';
import { same } from './common.ts';

const mirrored: Readonly<Record<string, string>> = { eq: 'eq', lt: 'gt', gt: 'lt', le: 'ge', ge: 'le' };

/** A comparison; a constant number stands on the right. */
const comparison =
  (name: string): OperatorReader =>
  (call) => {
    const [a, b] = [call.input(0), call.input(1)];
    const [right, left] = [numberBeside(call, b, a), numberBeside(call, a, b)];
    if (right !== undefined) return call.call(`aten.${name}.Scalar`, a, right);
    return left === undefined
      ? call.call(`aten.${name}.Tensor`, a, b)
      : call.call(`aten.${mirrored[name]}.Scalar`, b, left);
  };

/** Of both infinities, of one, or of none: no number is both. */
function isInf(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const [positive, negative] = ['detect_positive', 'detect_negative'].map(
    (name) => call.attributes.int(name, 1) === 1,
  );
  const ofPositive = () => call.call('aten.eq.Scalar', x, Number.POSITIVE_INFINITY);
  const ofNegative = () => call.call('aten.eq.Scalar', x, Number.NEGATIVE_INFINITY);
  if (positive !== negative) return positive ? ofPositive() : ofNegative();
  const name = positive ? 'aten.logical_or.default' : 'aten.logical_and.default';
  return call.call(name, ofPositive(), ofNegative());
}

/** Comparisons, logic, and operations on bits. */
export const comparisonReaders: OperatorTable = {
  Equal: comparison('eq'),
  Less: comparison('lt'),
  Greater: comparison('gt'),
  LessOrEqual: comparison('le'),
  GreaterOrEqual: comparison('ge'),
  And: same('aten.logical_and.default'),
  Or: same('aten.logical_or.default'),
  Xor: same('aten.logical_xor.default'),
  Not: same('aten.logical_not.default'),
  IsNaN: same('aten.isnan.default'),
  IsInf: isInf,
  Where: same('aten.where.self'),
  BitwiseAnd: { 18: same('aten.bitwise_and.Tensor') },
  BitwiseOr: { 18: same('aten.bitwise_or.Tensor') },
  BitwiseXor: { 18: same('aten.bitwise_xor.Tensor') },
  BitwiseNot: { 18: same('aten.bitwise_not.default') },
  BitShift: (call) =>
    call.call(
      `aten.bitwise_${call.attributes.string('direction').toLowerCase()}_shift.Tensor`,
      ...[call.input(0), call.input(1)],
    ),
};
