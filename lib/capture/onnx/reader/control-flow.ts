import { dependsOnValues, dimsEqual } from '../../../graph/index.ts';
import type { OnnxCall } from './call.ts';
import type { GraphMessage } from './messages.ts';
import { ConstantValue, describeValue, type OnnxValue } from './values.ts';

/** The branch of an `If` whose condition is known. */
export function branchOf(call: OnnxCall): GraphMessage | undefined {
  const condition = call.input(0);
  if (!(condition instanceof ConstantValue)) return undefined;
  return call.attributes.graph(call.number(0, 'the condition') !== 0 ? 'then_branch' : 'else_branch');
}

/**
 * The results of an `If` on data: both branches are computed, and one is selected.
 * @throws Error when the branches return different shapes: no graph without control flow can.
 */
export function selectBranch(
  call: OnnxCall,
  yes: readonly OnnxValue[],
  no: readonly OnnxValue[],
): readonly OnnxValue[] {
  if (yes.length !== no.length) throw new Error('its branches return different numbers of tensors');
  return yes.map((value, i) => {
    const other = no[i];
    const isSame =
      value.dtype === other.dtype &&
      value.shape.length === other.shape.length &&
      value.shape.every((dim, axis) => dimsEqual(dim, other.shape[axis]));
    const rows = isSame
      ? undefined
      : (rowsOrNone(call, value, other, true) ?? rowsOrNone(call, other, value, false));
    if (rows) return rows;
    if (!isSame)
      throw new Error(
        `its condition is known only when the model runs, and its branches return ${describeValue(value)} ` +
          `or ${describeValue(other)}; fix inputs with the options 'bind' and 'shapes'`,
      );
    return call.call('aten.where.self', call.input(0), value, other);
  });
}

/**
 * An `If` that returns nothing in one branch, as torchvision's `batched_nms` does if there are no boxes: all rows of the other
 * branch, or none of them. Values decide how many these are in any case.
 * @param isThen whether `none` is what a true condition chooses.
 */
function rowsOrNone(
  call: OnnxCall,
  none: OnnxValue,
  rows: OnnxValue,
  isThen: boolean,
): OnnxValue | undefined {
  if (none.dtype !== rows.dtype || none.shape.length !== rows.shape.length) return undefined;
  const differing = rows.shape.flatMap((dim, axis) => (dimsEqual(dim, none.shape[axis]) ? [] : [axis]));
  const [axis] = differing;
  if (differing.length !== 1 || none.shape[axis] !== 0 || !dependsOnValues(rows.shape[axis]))
    return undefined;
  const condition = call.reshape(call.cast(call.input(0), 'bool'), [1]);
  const keeps = isThen ? call.call('aten.logical_not.default', condition) : condition;
  const kept = call.call('aten.nonzero.default', call.call('aten.expand.default', keeps, [rows.shape[axis]]));
  return call.call('aten.index_select.default', rows, axis, call.call('aten.select.int', kept, 1, 0));
}
