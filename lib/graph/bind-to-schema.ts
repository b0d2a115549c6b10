import { Arguments } from './arguments.ts';
import { type Argument, mapArguments, type Node } from './node.ts';
import type { OperatorLibrary } from './operator.ts';
import type { Schema } from './schema.ts';
import type { SymbolRanges } from './symbol-range.ts';

/**
 * A call's arguments by their names, with what `resultOf` says in place of the nodes among them.
 * @param ranges of the symbols, where results may have symbolic sizes.
 * @throws Error as {@link Arguments.bind} does.
 */
export function bindCall<T>(
  schema: Schema,
  args: readonly Argument[],
  kwargs: Readonly<Record<string, Argument>>,
  resultOf: (node: Node) => unknown,
  ranges?: SymbolRanges,
): Arguments<T> {
  const given = mapArguments({ args, kwargs }, resultOf);
  return Arguments.bind<T>(schema, given.args, given.kwargs, ranges);
}

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
