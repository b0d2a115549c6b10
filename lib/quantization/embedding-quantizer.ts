import { embeddingBagOperators } from '../aten/index.ts';
import { type GraphModule, isCall, type Node } from '../graph/index.ts';
import { checkOptions } from '../options.ts';
import { QuantizationAnnotation } from './annotation.ts';
import { PerChannelMinMaxObserver } from './observers/index.ts';
import type { QuantizationConfig } from './quantization-config.ts';
import { Quantizer } from './quantizer.ts';
import { QuantizationSpec } from './specs.ts';

/** Options of {@link EmbeddingQuantizer} and {@link embeddingQuantizationConfig}. */
export interface EmbeddingQuantizationOptions {
  /** Of an element of a table: 8, the default, or 4, of which lowering stores two in a byte. */
  readonly bits?: 8 | 4;
}

/**
 * The recipe of embedding tables: unsigned integers, with a scale and a floating point zero point for each row. Nothing else
 * is quantized. 8 bits are torchao's recipe (counterpart: `get_embedding_operators_config`), in which a row whose values lie
 * within 255 / 4096 of each other becomes one value; 4 bits have the smallest scale of PyTorch's
 * `float_qparams_weight_only_qconfig_4bit`, 2^-23. Quantizing rounds before it adds a zero point, which is no integer, and
 * then leaves off what is behind the point, as PyTorch's decomposed operators do: integers may be 1 below those of
 * `torch.quantize_per_channel`.
 * @throws Error for another number of bits, and for an unknown option.
 */
export function embeddingQuantizationConfig(options: EmbeddingQuantizationOptions = {}): QuantizationConfig {
  checkOptions(options, { bits: true }, 'embeddingQuantizationConfig');
  const { bits = 8 } = options;
  if (bits !== 8 && bits !== 4)
    throw new Error(`embeddingQuantizationConfig: bits must be 8 or 4, got ${String(bits)}`);
  const weight = new QuantizationSpec({
    dtype: 'uint8',
    ...(bits === 4 ? { quantMin: 0, quantMax: 15 } : {}),
    qscheme: 'per_channel_affine_float_qparams',
    chAxis: 0,
    observerOrFakeQuantCtr: PerChannelMinMaxObserver.withArgs({ eps: bits === 4 ? 2 ** -23 : 2 ** -12 }),
  });
  return { inputActivation: null, outputActivation: null, weight, bias: null, isQat: false };
}

/**
 * Quantizes the tables of embeddings, which need no calibration (counterpart: `EmbeddingQuantizer`), and of embedding bags,
 * which torchao's leaves in float. A table stays in integers when it is lowered: a lookup reads `width` bytes of it, or half
 * as many, instead of `4 * width`.
 *
 * @example
 * const layers = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isDynamic: true }));
 * const quantizer = new ComposableQuantizer([new EmbeddingQuantizer({ bits: 4 }), layers]);
 * const model = compile(lower(convertPt2e(preparePt2e(captured, quantizer))).module);
 */
export class EmbeddingQuantizer extends Quantizer {
  readonly #config: QuantizationConfig;

  /** @throws Error as {@link embeddingQuantizationConfig} does. */
  constructor(options: EmbeddingQuantizationOptions = {}) {
    super();
    this.#config = embeddingQuantizationConfig(options);
  }

  override annotate(module: GraphModule): void {
    for (const node of module.graph.nodes)
      if (isCall(node, 'aten.embedding.default', ...embeddingBagOperators))
        node.meta.quantizationAnnotation = new QuantizationAnnotation({
          inputQspecMap: [[node.args[0] as Node, this.#config.weight]],
          annotated: true,
        });
  }
}
