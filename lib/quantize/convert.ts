import type { GraphModule } from '../graph/index.ts';
import {
  type CalibrateOptions,
  type CalibrationBatch,
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../quantization/index.ts';
import { applyOverrides, type QuantizationOverrides } from './overrides.ts';

/** How a model is quantized, beyond the default recipe. */
export interface RecipeOptions {
  /** 7-bit activations: less accurate, and faster on CPUs without VNNI. */
  readonly reduceRange?: boolean;
  readonly overrides?: QuantizationOverrides;
}

/** Batches that stand for what the model will be given. */
export type CalibrationBatches = AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>;

/** The graph with observers, where the default recipe wants them. */
export function prepareStatic(module: GraphModule, options: RecipeOptions = {}): GraphModule {
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig(options));
  applyOverrides(quantizer, module, options.overrides ?? {});
  return preparePt2e(module, quantizer);
}

/** Prepares, calibrates and converts. */
export async function convertStatic(
  module: GraphModule,
  batches: CalibrationBatches,
  options: RecipeOptions & CalibrateOptions = {},
): Promise<GraphModule> {
  const prepared = prepareStatic(module, options);
  await calibrate(prepared, batches, options);
  return convertPt2e(prepared);
}

/** Linear layers take parameters from each input. Other operators stay in float: they have no fast kernel for it. */
export function convertDynamic(module: GraphModule, options: RecipeOptions = {}): GraphModule {
  const config = getDefaultX86QuantizationConfig({ ...options, isDynamic: true });
  const quantizer = new X86Quantizer().setFunctionTypeQconfig('linear', config);
  applyOverrides(quantizer, module, options.overrides ?? {});
  return convertPt2e(preparePt2e(module, quantizer));
}
