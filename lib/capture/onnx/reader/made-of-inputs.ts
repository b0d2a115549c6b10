import { isCall, Node } from '../../../graph/index.ts';

/** Moves and functions of elements that preprocessing inside a model consists of. */
const steps: readonly string[] = [
  ...['add', 'sub', 'mul', 'div'].map((name) => `aten.${name}.Tensor`),
  ...['aten.to.dtype', 'aten.view.default', 'aten.permute.default', 'aten.clamp.default'],
];

/** Whether a node is an input of the graph, as it was given or after such steps. */
export function isMadeOfInputs(node: Node): boolean {
  if (node.op === 'placeholder') return true;
  if (!isCall(node, ...steps)) return false;
  const operands = node.args.filter((arg) => arg instanceof Node && arg.op !== 'get_attr') as Node[];
  return operands.length > 0 && operands.every(isMadeOfInputs);
}
