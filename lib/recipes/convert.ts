import { describeOperators, type GraphModule } from '../graph/index.ts';
import { type OptionNames, pickOptions } from '../options.ts';
import { calibrateOptions } from '../quantization/calibrate.ts';
import {
  type CalibrateOptions,
  type CalibrationBatch,
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../quantization/index.ts';
import { describeRecipe, operatorOfType } from '../quantization/x86/operators.ts';
import { applyOverrides, type QuantizationOverrides } from './overrides.ts';

/** Options of quantization, beyond the default recipe. */
export interface RecipeOptions {
  /** 7-bit activations: less accurate, but faster on CPUs without VNNI. */
  readonly reduceRange?: boolean;
  readonly overrides?: QuantizationOverrides;
}

/** Names of the options of the recipe. */
export const recipeOptions: OptionNames<RecipeOptions> = { reduceRange: true, overrides: true };

/** Batches that represent the model's future inputs. */
export type CalibrationBatches = AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>;

/**
 * Inserts observers by the default recipe.
 * @throws Error that says what the recipe searches for and what the model contains, if nothing would be quantized.
 */
export function prepareStatic(module: GraphModule, options: RecipeOptions = {}): GraphModule {
  const { reduceRange = false } = options;
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ reduceRange }));
  return prepare(module, quantizer, options, describeRecipe());
}

function prepare(
  module: GraphModule,
  quantizer: X86Quantizer,
  { overrides }: RecipeOptions,
  wanted: string,
): GraphModule {
  if (overrides) applyOverrides(quantizer, module, overrides);
  const prepared = preparePt2e(module, quantizer);
  if (prepared.modules.size === 0)
    throw new Error(
      `nothing in the model can be quantized: the recipe looks for ${wanted}` +
        `${overrides ? ', as far as the overrides leave them' : ''}; the model has ${describeOperators(module.graph)}`,
    );
  return prepared;
}

/**
 * Prepares, calibrates and converts.
 * @throws Error as {@link prepareStatic} and `calibrate` do.
 */
export async function convertStatic(
  module: GraphModule,
  batches: CalibrationBatches,
  options: RecipeOptions & CalibrateOptions = {},
): Promise<GraphModule> {
  const prepared = prepareStatic(module, options);
  await calibrate(prepared, batches, pickOptions<CalibrateOptions>(options, calibrateOptions));
  return convertPt2e(prepared);
}

/**
 * Quantizes linear layers, with parameters computed from each input. Other operators stay in float: there is no fast
 * kernel for their dynamic quantization.
 * @throws Error that says what the recipe searches for and what the model contains, if nothing would be quantized.
 */
export function convertDynamic(module: GraphModule, options: RecipeOptions = {}): GraphModule {
  const { reduceRange = false } = options;
  const config = getDefaultX86QuantizationConfig({ reduceRange, isDynamic: true });
  const quantizer = new X86Quantizer().setFunctionTypeQconfig('linear', config);
  return convertPt2e(prepare(module, quantizer, options, describeRecipe(operatorOfType('linear'))));
}
