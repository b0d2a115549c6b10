import { mulDims } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import { ConstantValue, type OnnxValue } from '../values.ts';
import { positionsOf } from './common.ts';

/** Indices of the elements that are not zero, a row for each axis. */
function nonZero(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const rows = call.call('aten.nonzero.default', x.shape.length === 0 ? call.reshape(x, [1]) : x);
  return call.call('aten.permute.default', rows, [1, 0]);
}

/** Elements of an axis, or of the flattened tensor, where a condition is true. */
function compress(call: OnnxCall): OnnxValue {
  const [x, condition] = [call.input(0), call.input(1)];
  const isFlat = !call.attributes.has('axis');
  const axis = isFlat ? 0 : call.axis(call.attributes.int('axis'), x.shape.length);
  const data = isFlat ? call.reshape(x, [mulDims(...x.shape)]) : x;
  if (condition instanceof ConstantValue) {
    const chosen = call.numbers(1, 'the condition').flatMap((value, i) => (value !== 0 ? [i] : []));
    return positionsOf(call, data, axis, chosen);
  }
  const places = call.call('aten.select.int', call.call('aten.nonzero.default', condition), 1, 0);
  return call.call('aten.index_select.default', data, axis, places);
}

/** The one number of an input; `otherwise` where it is left out. */
function numberOf(call: OnnxCall, index: number, otherwise: Tensor): OnnxValue {
  const value = call.optional(index);
  if (!value) return call.constant(otherwise);
  return call.reshape(call.cast(value, otherwise.dtype), []);
}

/** Boxes of each class that overlap no better ones of it too much. */
function nonMaxSuppression(call: OnnxCall): OnnxValue {
  const most = numberOf(call, 2, Tensor.scalar('int64', 0));
  const known = call.numberIn(most);
  return call.call(
    'octavo.non_max_suppression.default',
    call.input(0),
    call.input(1),
    most,
    numberOf(call, 3, Tensor.scalar('float32', 0)),
    call.optional(4) ? numberOf(call, 4, Tensor.scalar('float32', 0)) : null,
    call.attributes.int('center_point_box', 0) === 1,
    Math.min(Math.max(known ?? Number.MAX_SAFE_INTEGER, 0), Number.MAX_SAFE_INTEGER),
  );
}

/** Operators whose number of results depends on values. */
export const choiceReaders: OperatorTable = {
  NonZero: nonZero,
  Compress: compress,
  NonMaxSuppression: nonMaxSuppression,
};
