import { Arguments } from './arguments.ts';
import { type Argument, mapArguments, type Node } from './node.ts';
import type { OperatorLibrary } from './operator.ts';
import type { Schema } from './schema.ts';
import type { SymbolRanges } from './symbol-range.ts';

/**
 * A call's arguments by name. Each node among them is replaced with `resultOf(node)`.
 * @param ranges ranges of the symbols, if results may have symbolic sizes.
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
 * A call's arguments in the order of its operator's schema, with defaults filled in, so that two calls can be compared
 * however they were written. For other nodes and for unknown operators, the arguments are returned unchanged.
 */
export function bindToSchema(node: Node, operators: OperatorLibrary): readonly Argument[] {
  if (node.op !== 'call_function' || !operators.has(node.target))
    return [...node.args, ...Object.values(node.kwargs)];
  const { schema } = operators.get(node.target);
  const bound = Arguments.bind(schema, node.args, node.kwargs);
  return schema.arguments.map(({ name }) => bound.raw(name) as Argument);
}
