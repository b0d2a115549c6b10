import type { GraphModule } from '../../graph/index.ts';
import { prepare } from '../prepare/prepare.ts';
import type { Quantizer } from '../quantizer.ts';
import { unfoldBatchNorms } from './unfold-batch-norm.ts';

/**
 * Prepares a model that was captured in training mode for quantization aware training (counterpart:
 * `torchao.quantization.pt2e.quantize_pt2e.prepare_qat_pt2e`): the quantizer annotates, batch norms after convolutions are
 * arranged so that training sees the weights they will be folded into, and fake quantizers are inserted as `call_module` nodes.
 * `module` itself is left as it is.
 *
 *     const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true }));
 *     const prepared = prepareQatPt2e(exportModel(model.train(), { x }), quantizer);
 * @throws Error that names node and place where annotations contradict each other, or a batch norm after a convolution whose weight is 0 in
 * a channel; or the model is prepared already.
 */
export function prepareQatPt2e(module: GraphModule, quantizer: Quantizer): GraphModule {
  return prepare(module, quantizer, {
    name: 'prepareQatPt2e',
    isQat: true,
    afterAnnotation: unfoldBatchNorms,
  });
}
