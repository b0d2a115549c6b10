import { isCall, Node } from '../../../graph/index.ts';

/** Moves and functions of elements that preprocessing inside a model consists of. */
const steps: readonly string[] = [
  ...['add', 'sub', 'mul', 'div'].map((name) => `aten.${name}.Tensor`),
  ...['aten.to.dtype', 'aten.view.default', 'aten.permute.default', 'aten.clamp.default'],
];

/** Whether a node is an input of the graph, as it was given or after such steps. */
export function isMadeOfInputs(node: Node): boolean {
  // Each node once: a chain of `x + x` has twice as many ways to its beginning with every link.
  const found = new Set([node]);
  for (const each of found) {
    if (each.op === 'placeholder') continue;
    if (!isCall(each, ...steps)) return false;
    const operands = each.args.filter((arg) => arg instanceof Node && arg.op !== 'get_attr') as Node[];
    if (operands.length === 0) return false;
    for (const operand of operands) found.add(operand);
  }
  return true;
}
