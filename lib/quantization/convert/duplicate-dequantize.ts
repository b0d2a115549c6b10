import { CHOOSE_QPARAMS, dequantizeOperators, quantizeOperators } from '../../aten/index.ts';
import { type GraphModule, isCall, Node } from '../../graph/index.ts';

/**
 * Gives every annotated user of a dequantized tensor its own dequantize node, so that patterns of one operator are never
 * entangled with another's (counterpart: `DuplicateDQPass`). Dynamically quantized tensors are left alone.
 */
export function duplicateDequantize({ graph }: GraphModule): void {
  for (const node of graph.nodes) {
    if (!isCall(node, ...dequantizeOperators) || isDynamic(node)) continue;
    const users = node.users.filter((user) => !isSizeQuery(user));
    if (users.length <= 1) continue;
    for (const user of users) {
      if (user.meta.quantizationAnnotation?.isEmpty ?? true) continue;
      const twin = graph.insertingAfter(node, () => graph.nodeCopy(node, (input) => input));
      user.replaceInputWith(node, twin);
    }
  }
  graph.eliminateDeadCode();
}

function isDynamic(dequantize: Node): boolean {
  const [quantize] = dequantize.args;
  if (!isCall(quantize, ...quantizeOperators)) return false;
  const scale = quantize.args[1];
  return scale instanceof Node && isCall(scale.args[0], CHOOSE_QPARAMS);
}

function isSizeQuery(node: Node): boolean {
  return isCall(node, 'aten.sym_size.default', 'aten.sym_numel.default');
}
