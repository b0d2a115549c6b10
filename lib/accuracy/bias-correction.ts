import { DEQUANTIZE_PER_CHANNEL, DEQUANTIZE_PER_TENSOR } from '../aten/index.ts';
import { convolutionOperators, linear } from '../backend/index.ts';
import { GraphModule, isCall, type ModelInputs, type Node } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { foldBatchNorms } from '../quantization/prepare/fold-batch-norm.ts';
import type { CalibrationBatches } from '../recipes/index.ts';
import { Tensor } from '../tensor/index.ts';
import { GraphEditor } from '../transforms/editor.ts';
import { floatConstant, setConstant } from '../transforms/layer-constants.ts';
import { readBatches } from './batches.ts';
import { channelMeans } from './channel-means.ts';

/** Options of {@link biasCorrection}. */
export interface BiasCorrectionOptions {
  /** Called after each layer. */
  readonly onProgress?: (layers: number, total: number) => void;
  /** Stops before the next batch. */
  readonly signal?: AbortSignal;
}

const biasCorrectionOptions: OptionNames<BiasCorrectionOptions> = { onProgress: true, signal: true };

/** By a layer's name, what {@link biasCorrection} subtracted from its bias, a number a channel. */
export type BiasCorrections = ReadonlyMap<string, Float32Array>;

/** What {@link biasCorrection} returns. */
export interface BiasCorrected {
  readonly module: GraphModule;
  readonly corrections: BiasCorrections;
}

/**
 * Takes out of a quantized model what quantization adds to the mean of each channel (Nagel et al. 2019, section 4.2 and appendix D,
 * https://arxiv.org/abs/1906.04721; counterpart: `torch.ao.quantization._correct_bias.bias_correction`). Rounded weights do not
 * average out: a channel of few weights is too large or too small on every input. Layer by layer in the order of the graph, with
 * those before it corrected:
 *
 *     b' = b - (E[quantized result] - E[float result])
 *
 * As in the paper, the float model runs on its own values, so that what earlier layers add is taken out as well; PyTorch gives both
 * the quantized model's. A layer without a bias receives one. It costs nothing when the model runs, and one pass over the batches
 * for each layer here. Neither model is changed.
 * @param reference the float model that `quantized` was made of: captured, smoothed or equalized.
 * @param quantized what `convertPt2e` made of it, before it is lowered.
 * @param batches typical inputs, as `calibrate` accepts them; they are all kept in memory.
 *
 * @example
 * const converted = convertPt2e(prepared);
 * const { module } = await biasCorrection(captured, converted, batches);
 * const model = compile(lower(module).module);
 *
 * @throws Error (rejects) when `quantized` has no quantized convolution or linear layer, or one that `reference` has not; when there
 * are no batches, one does not fit, or a layer's value is not a finite number; for an unknown option; the signal's reason when it is
 * aborted.
 */
export async function biasCorrection(
  reference: GraphModule,
  quantized: GraphModule,
  batches: CalibrationBatches,
  options: BiasCorrectionOptions = {},
): Promise<BiasCorrected> {
  const where = 'biasCorrection';
  checkOptions(options, biasCorrectionOptions, where);
  const { onProgress, signal } = options;
  const float = GraphModule.accept(reference, where).clone();
  const module = GraphModule.accept(quantized, where).clone();
  foldBatchNorms(new GraphEditor(float));
  const layers = correctableLayers(module);
  if (layers.length === 0)
    throw new Error(
      `${where}: the second model has no quantized convolution or linear layer; pass what convertPt2e returned`,
    );
  checkLayers(float, layers);
  const read = await readBatches(batches, signal, where);
  const corrections = new Map<string, Float32Array>();
  const means = (of: GraphModule, names: readonly string[]) => meansFor(of, names, read, signal);
  const wanted = await means(float, layers);
  for (const [i, layer] of layers.entries()) {
    const found = (await means(module, [layer])).get(layer)!;
    const correction = Float32Array.from(found, (mean, c) => mean - wanted.get(layer)![c]);
    applyCorrections(module, new Map([[layer, correction]]));
    corrections.set(layer, correction);
    onProgress?.(i + 1, layers.length);
  }
  return { module, corrections };
}

async function meansFor(
  module: GraphModule,
  layers: readonly string[],
  batches: readonly ModelInputs[],
  signal: AbortSignal | undefined,
) {
  try {
    return await channelMeans(module, layers, batches, signal);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(`biasCorrection: ${(error as Error).message}`, { cause: error });
  }
}

const LAYERS = [...convolutionOperators, ...linear.operators];

/** Names of the layers with quantized weights, in the order of the graph. A bias that is computed, or quantized itself, is left. */
export function correctableLayers(module: GraphModule): readonly string[] {
  const isQuantized = ({ args: [, weight, bias = null] }: Node) =>
    isCall(weight, DEQUANTIZE_PER_CHANNEL, DEQUANTIZE_PER_TENSOR) &&
    (bias === null || floatConstant(module, bias) !== undefined);
  const layers = module.graph.nodes.filter((node) => isCall(node, ...LAYERS) && isQuantized(node));
  return layers.map(({ name }) => name);
}

function checkLayers({ graph }: GraphModule, layers: readonly string[]): void {
  const known = new Set(graph.nodes.filter((node) => isCall(node, ...LAYERS)).map(({ name }) => name));
  const missing = layers.find((layer) => !known.has(layer));
  if (missing !== undefined)
    throw new Error(
      `biasCorrection: the first model has no layer '${missing}'; pass the one that the second was made of`,
    );
}

/** Subtracts corrections from the biases of a model's layers, in place; those of layers that it has not are left out. */
export function applyCorrections(module: GraphModule, corrections: BiasCorrections): void {
  const editor = new GraphEditor(module);
  for (const node of module.graph.nodes) {
    const correction = corrections.get(node.name);
    if (!correction) continue;
    const bias = floatConstant(module, node.args[2])?.data as Float32Array | undefined;
    const corrected = correction.map((value, c) => (bias?.[c] ?? 0) - value);
    setConstant(editor, node, 2, new Tensor('float32', corrected, [corrected.length]), 'bias');
  }
}
