import { dequantizeOperators, quantizeOperators } from '../../aten/index.ts';
import { type GraphModule, isCall, type OperatorLibrary } from '../../graph/index.ts';
import { GraphEditor } from '../../transforms/editor.ts';
import { DEFAULT_RECIPE, type Recipe } from '../recipe.ts';
import { ConstantEvaluator } from './constant-evaluator.ts';

/**
 * Quantizes constants now: `weight -> quantize` becomes a parameter `_frozen_paramN` of integers (counterpart:
 * `constant_fold` with `convert_pt2e`'s constraint). Operators between the weight and its quantize node are computed too;
 * dequantize nodes stay, for lowering to fuse. The parameter's node has the name of the quantize node; PyTorch 2.6 calls it
 * as the parameter.
 */
export function foldQuantizedConstants(
  module: GraphModule,
  library: OperatorLibrary,
  recipe: Recipe = DEFAULT_RECIPE,
): void {
  const editor = new GraphEditor(module);
  const evaluator = new ConstantEvaluator(module, library, dequantizeOperators);
  for (const node of module.graph.nodes) {
    if (!isCall(node, ...quantizeOperators)) continue;
    const value = evaluator.evaluate(node);
    if (value === undefined) continue;
    const frozen = editor.constant('_frozen_param0', value, { before: node });
    frozen.meta = { ...node.meta, ...frozen.meta };
    editor.replaceWith(node, frozen);
    if (recipe !== 'pytorch-2.6') frozen.name = node.name;
  }
  module.graph.eliminateDeadCode();
}
