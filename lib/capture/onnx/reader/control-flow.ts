import { dimsEqual } from '../../../graph/index.ts';
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
    if (!isSame)
      throw new Error(
        `its condition is known only when the model runs, and its branches return ${describeValue(value)} ` +
          `or ${describeValue(other)}; fix inputs with the options 'bind' and 'shapes'`,
      );
    return call.call('aten.where.self', call.input(0), value, other);
  });
}
