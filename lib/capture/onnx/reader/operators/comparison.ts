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

/** Of both infinities, or of one. */
function isInf(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const [positive, negative] = ['detect_positive', 'detect_negative'].map(
    (name) => call.attributes.int(name, 1) === 1,
  );
  const ofPositive = () => call.call('aten.eq.Scalar', x, Number.POSITIVE_INFINITY);
  const ofNegative = () => call.call('aten.eq.Scalar', x, Number.NEGATIVE_INFINITY);
  if (positive && negative) return call.call('aten.logical_or.default', ofPositive(), ofNegative());
  if (positive || negative) return positive ? ofPositive() : ofNegative();
  return call.call('aten.ne.Tensor', x, x);
}

/** Comparisons and logic. */
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
};
