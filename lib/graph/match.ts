import type { Graph } from './graph.ts';
import { type Argument, Node } from './node.ts';

/** Whether an argument is a call of one of these operators: the building block of every pattern. */
export function isCall(arg: Argument | undefined, ...targets: readonly string[]): arg is Node {
  return arg instanceof Node && arg.op === 'call_function' && targets.includes(arg.target);
}

/** The only user of a node, or undefined if it has none or several. */
export function onlyUser(node: Node): Node | undefined {
  return node.users.length === 1 ? node.users[0] : undefined;
}

/** The first node that reads a parameter, buffer or constant; undefined where none does. */
export function attributeNode(graph: Graph, path: string): Node | undefined {
  return graph.nodes.find((node) => node.op === 'get_attr' && node.target === path);
}
