import { Arguments } from './arguments.ts';
import type { Argument, Node } from './node.ts';
import type { OperatorLibrary } from './operator.ts';

/**
 * A call's arguments in the order of its operator's schema, defaults filled in, so that two calls can be compared
 * however they were written. For other nodes, and operators the library does not have, the arguments as they stand.
 */
export function bindToSchema(node: Node, operators: OperatorLibrary): readonly Argument[] {
  if (node.op !== 'call_function' || !operators.has(node.target))
    return [...node.args, ...Object.values(node.kwargs)];
  const { schema } = operators.get(node.target);
  const bound = Arguments.bind(schema, node.args, node.kwargs);
  return schema.arguments.map(({ name }) => bound.raw(name) as Argument);
}
