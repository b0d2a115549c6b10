import type { JsonCursor } from '../../formats/json-cursor.ts';
import type { Tensor } from '../../tensor/index.ts';

/** How a program calls `torch.cond`. */
export const COND = 'higher_order.cond';

/** The branch of a `torch.cond` that is read in its place. */
export interface Branch {
  readonly graph: JsonCursor;
  /** Arguments of the branch, in the order of its inputs. */
  readonly operands: JsonCursor;
}

/**
 * The branch that a `torch.cond` takes.
 * @param constant the value of a parameter, buffer or constant by the name that the program has for it.
 * @throws Error where only a request decides: a plan is one list of steps for all requests of a shape, and to compute both
 * branches would cost both, and fail where one of them only fits what it was written for.
 */
export function branchOf(at: JsonCursor, constant: (name: string) => Tensor | undefined): Branch {
  const [predicate, ifTrue, ifFalse, operands] = at
    .field('inputs')
    .items()
    .map((input) => input.field('arg').union());
  if (!operands) at.fail('is a torch.cond without a predicate, two branches and operands');
  const [kind, value] = (truthOf(predicate, constant) ? ifTrue : ifFalse) ?? [];
  if (kind !== 'as_graph') at.fail('is a torch.cond whose branches are no graphs');
  return { graph: value!.field('graph'), operands: operands[1] };
}

function truthOf(
  [kind, at]: readonly [string, JsonCursor],
  constant: (name: string) => Tensor | undefined,
): boolean {
  if (kind === 'as_bool') return at.bool();
  if (kind === 'as_sym_bool') {
    const [inner, value] = at.union();
    if (inner === 'as_bool') return value.bool();
    return value.fail(
      `is the predicate '${value.string()}' of a torch.cond, which depends on the sizes of a request; branches are read where the predicate is constant`,
    );
  }
  if (kind !== 'as_tensor') return at.fail(`is a predicate of kind '${kind}', which is not supported`);
  const name = at.field('name').string();
  const tensor = constant(name);
  if (!tensor)
    return at.fail(
      `is the predicate '${name}' of a torch.cond, which the model computes from its inputs; a plan has the same steps for every request and cannot choose, so that branches are read where the predicate is constant (torch.where chooses between results)`,
    );
  if (tensor.numel !== 1) return at.fail(`is a predicate of ${tensor.numel} elements`);
  return Number(tensor.data[0]) !== 0;
}
