import {
  cpuFeatures,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  PerChannelMinMaxObserver,
  type QuantizationConfig,
  QuantizationSpec,
  Quantizer,
  type X86Quantizer,
} from '../lib/index.ts';

const additions: ReadonlySet<string> = new Set(['aten.add.Tensor', 'aten.add_.Tensor']);
const layers: ReadonlySet<string> = new Set(['aten.conv2d.default', 'aten.linear.default']);

/**
 * Places quantization where ONNX Runtime's own quantizer places it: unlike PyTorch's recipe it also quantizes what a
 * convolution gives to a residual addition. ONNX Runtime has no kernel for an int8 convolution with an addition fused in,
 * and would leave that convolution in float.
 */
export class OnnxRuntimeQuantizer extends Quantizer {
  readonly #inner: X86Quantizer;

  constructor(inner: X86Quantizer) {
    super();
    this.#inner = inner;
  }

  override annotate(module: GraphModule): void {
    this.#inner.annotate(module);
    const activation = this.#inner.getGlobalQuantizationConfig()!.outputActivation;
    for (const node of module.graph.nodes)
      if (layers.has(node.target) && node.users.some(({ target }) => additions.has(target)))
        node.meta.quantizationAnnotation!.outputQspec = activation;
  }
}

/**
 * The ranges that ONNX Runtime's own quantizer uses: activations have all 8 bits everywhere (a narrower range would need a
 * Clip that ONNX Runtime computes in float), and weights keep to 7 bits where the CPU has no VNNI, so that sums of two
 * products fit 16 bits.
 */
export function onnxRuntimeConfig(): QuantizationConfig {
  const config = getDefaultX86QuantizationConfig({ reduceRange: false });
  const { avx512Vnni, avxVnni } = cpuFeatures().instructionSets;
  if (avx512Vnni || avxVnni) return config;
  const weight = new QuantizationSpec({
    dtype: 'int8',
    quantMin: -64,
    quantMax: 63,
    qscheme: 'per_channel_symmetric',
    chAxis: 0,
    observerOrFakeQuantCtr: PerChannelMinMaxObserver.withArgs({ eps: 2 ** -12 }),
  });
  return { ...config, weight };
}
