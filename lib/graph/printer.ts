import type { Graph } from './graph.ts';
import { type Argument, isArgumentList, Node } from './node.ts';
import type { OperatorLibrary } from './operator.ts';
import { pythonFloat } from './python-float.ts';
import type { SchemaArgument } from './schema.ts';

/**
 * Prints a graph exactly as torch.fx prints `str(graph)`.
 * @param library looked up for argument types, to distinguish Python's floats, ints and dtypes.
 */
export function printGraph(graph: Graph, library: OperatorLibrary): string {
  return ['graph():', ...graph.nodes.map((node) => `    ${printNode(node, library)}`)].join('\n');
}

function printNode(node: Node, library: OperatorLibrary): string {
  if (node.op === 'output') return `return ${printOutput(node.args[0])}`;
  const head = `%${node.name} : [num_users=${node.users.length}] = ${node.op}[target=${printTarget(node)}]`;
  if (node.op === 'placeholder' || node.op === 'get_attr') return head;
  const schema = library.has(node.target) ? library.get(node.target).schema : undefined;
  const byName = new Map(schema?.arguments.map((argument) => [argument.name, argument]));
  const positional = schema?.arguments.filter((argument) => !argument.keywordOnly) ?? [];
  const args = node.args.map((arg, i) => printArgument(arg, node, positional[i]));
  const kwargs = Object.entries(node.kwargs).map(
    ([name, arg]) => `${name}: ${printArgument(arg, node, byName.get(name))}`,
  );
  return `${head}(args = ${printTuple(args)}, kwargs = {${kwargs.join(', ')}})`;
}

function printTarget(node: Node): string {
  const isOperator = node.op === 'call_function' && !/^(operator|torch)\./.test(node.target);
  return isOperator ? `torch.ops.${node.target}` : node.target;
}

function printTuple(items: readonly string[]): string {
  return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
}

/** Python itself prints the output's arguments, without `%`. */
function printOutput(arg: Argument): string {
  return isArgumentList(arg) ? printTuple(arg.map(String)) : String(arg);
}

function printArgument(arg: Argument, node: Node, argument: SchemaArgument | undefined): string {
  if (arg instanceof Node) return `%${arg.name}`;
  if (isArgumentList(arg)) return `[${arg.map((item) => printArgument(item, node, argument)).join(', ')}]`;
  if (arg === null) return 'None';
  if (typeof arg === 'boolean') return arg ? 'True' : 'False';
  if (typeof arg === 'number') return isFloat(arg, node, argument) ? pythonFloat(arg) : printInteger(arg);
  return torchConstants.has(argument?.type ?? 'str') ? `torch.${arg}` : arg;
}

/** Types whose values are attributes of the `torch` module: `torch.int8`, `torch.contiguous_format`. */
const torchConstants: ReadonlySet<string> = new Set(['ScalarType', 'MemoryFormat', 'Layout']);

function isFloat(value: number, node: Node, argument: SchemaArgument | undefined): boolean {
  if (!Number.isInteger(value) || argument?.type === 'float' || argument?.type === 'float[]') return true;
  return argument !== undefined && (node.meta.floatArguments?.includes(argument.name) ?? false);
}

/** PyTorch writes "to the end" as the largest 64-bit integer, which a JavaScript number cannot hold. */
const LARGEST_INT64 = 2n ** 63n - 1n;

function printInteger(value: number): string {
  return value >= Number(LARGEST_INT64) ? String(LARGEST_INT64) : String(value);
}
