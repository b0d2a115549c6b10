import { dequantizeOperators, quantizeOperators } from '../../aten/index.ts';
import { type GraphModule, isCall, type OperatorLibrary } from '../../graph/index.ts';
import { ConstantEvaluator } from './constant-evaluator.ts';

/**
 * Quantizes constants now: `weight -> quantize` becomes a parameter `_frozen_paramN` of integers (counterpart:
 * `constant_fold` with `convert_pt2e`'s constraint). Operators between the weight and its quantize node are computed too;
 * dequantize nodes stay, for lowering to fuse.
 */
export function foldQuantizedConstants(module: GraphModule, library: OperatorLibrary): void {
  const { graph } = module;
  const evaluator = new ConstantEvaluator(module, library, dequantizeOperators);
  let count = 0;
  for (const node of graph.nodes) {
    if (!isCall(node, ...quantizeOperators)) continue;
    const value = evaluator.evaluate(node);
    if (value === undefined) continue;
    while (module.attributes.has(`_frozen_param${count}`)) count++;
    const target = `_frozen_param${count}`;
    module.attributes.set(target, value);
    const frozen = graph.insertingBefore(node, () => graph.getAttr(target));
    frozen.meta = { ...node.meta };
    node.replaceAllUsesWith(frozen);
    graph.eraseNode(node);
  }
  graph.eliminateDeadCode();
}
