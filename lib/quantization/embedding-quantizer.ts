import { type GraphModule, isCall, type Node } from '../graph/index.ts';
import { QuantizationAnnotation } from './annotation.ts';
import { PerChannelMinMaxObserver } from './observers/index.ts';
import type { QuantizationConfig } from './quantization-config.ts';
import { Quantizer } from './quantizer.ts';
import { QuantizationSpec } from './specs.ts';

/**
 * The recipe of embedding tables: u8, with a scale and a floating point zero point for each row. Nothing else is
 * quantized (counterpart: `get_embedding_operators_config`).
 */
export function embeddingQuantizationConfig(): QuantizationConfig {
  const weight = new QuantizationSpec({
    dtype: 'uint8',
    qscheme: 'per_channel_affine_float_qparams',
    chAxis: 0,
    observerOrFakeQuantCtr: PerChannelMinMaxObserver.withArgs({ eps: 2 ** -12 }),
  });
  return { inputActivation: null, outputActivation: null, weight, bias: null, isQat: false };
}

/** Quantizes the tables of embeddings, which need no calibration (counterpart: `EmbeddingQuantizer`). */
export class EmbeddingQuantizer extends Quantizer {
  override annotate(module: GraphModule): void {
    const { weight } = embeddingQuantizationConfig();
    for (const node of module.graph.nodes)
      if (isCall(node, 'aten.embedding.default'))
        node.meta.quantizationAnnotation = new QuantizationAnnotation({
          inputQspecMap: [[node.args[0] as Node, weight]],
          annotated: true,
        });
  }
}
