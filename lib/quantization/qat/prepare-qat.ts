import { type GraphModule, modelLine } from '../../graph/index.ts';
import { type Preparation, prepare } from '../prepare/prepare.ts';
import type { Quantizer } from '../quantizer.ts';
import type { Recipe } from '../recipe.ts';
import { layerBefore } from './batch-norm-pattern.ts';
import { unfoldBatchNorms } from './unfold-batch-norm.ts';

/**
 * Prepares a model that was captured in training mode for quantization aware training (counterpart:
 * `torchao.quantization.pt2e.quantize_pt2e.prepare_qat_pt2e`): the quantizer annotates, batch norms after layers are
 * arranged so that training sees the weights they will be folded into, and fake quantizers are inserted as `call_module` nodes.
 * `module` itself is left as it is.
 *
 *     const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true }));
 *     const prepared = prepareQatPt2e(exportModel(model.train(), { x }), quantizer);
 * @throws Error that names node and place where annotations contradict each other, or a batch norm after a layer whose weight is 0 in
 * a channel or which is in evaluation mode; or the model is prepared already.
 */
export function prepareQatPt2e(module: GraphModule, quantizer: Quantizer): GraphModule {
  return prepare(module, quantizer, qatPreparation('prepareQatPt2e'));
}

/** @param name of the function that the caller called, for messages. */
export function qatPreparation(name: string): Preparation {
  return {
    name,
    isQat: true,
    beforeAnnotation: (editor, recipe) => refuseEvaluationMode(editor.module, recipe, name),
    afterAnnotation: unfoldBatchNorms,
  };
}

/** PyTorch lets such a batch norm stay: it is then in the converted model as well, after a layer that was trained without it. */
function refuseEvaluationMode({ graph }: GraphModule, recipe: Recipe, where: string): void {
  for (const node of graph.nodes)
    if (node.args[5] !== true && !node.meta.hasFrozenStatistics && layerBefore(node, recipe))
      throw new Error(
        `${where}: node '${node}' is a batch norm in evaluation mode, which is not trained together with the layer before it; ` +
          `call train() before export, or moveExportedModelToTrain, and freezeBatchNormStats if its statistics shall stay${modelLine(node)}`,
      );
}
