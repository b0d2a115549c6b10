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
  type QuantizationConfig,
  type Recipe,
  X86Quantizer,
} from '../quantization/index.ts';
import { describeRecipe, operatorOfType } from '../quantization/x86/operators.ts';
import { applyOverrides, type QuantizationOverrides } from './overrides.ts';

/** Options of quantization, beyond the default recipe. */
export interface RecipeOptions {
  /** 7-bit activations: less accurate, but faster on CPUs without VNNI. */
  readonly reduceRange?: boolean;
  /** The PT2E to follow; default `torchao`, today's. See {@link getDefaultX86QuantizationConfig}. */
  readonly recipe?: Recipe;
  readonly overrides?: QuantizationOverrides;
}

/** Names of the options of the recipe. */
export const recipeOptions: OptionNames<RecipeOptions> = {
  reduceRange: true,
  recipe: true,
  overrides: true,
};

/** Batches that represent the model's future inputs: any iterable, async or not, as `calibrate` accepts it. */
export type CalibrationBatches = AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>;

/**
 * Inserts observers by the default recipe.
 * @throws Error that says what the recipe searches for and what the model contains, if nothing would be quantized.
 */
export function prepareStatic(module: GraphModule, options: RecipeOptions = {}): GraphModule {
  const quantizer = new X86Quantizer().setGlobal(configOf(options, false));
  return prepare(module, quantizer, options, describeRecipe());
}

const configOf = ({ reduceRange, recipe }: RecipeOptions, isDynamic: boolean): QuantizationConfig =>
  getDefaultX86QuantizationConfig({
    isDynamic,
    ...(reduceRange === undefined ? {} : { reduceRange }),
    ...(recipe === undefined ? {} : { recipe }),
  });

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
  const quantizer = new X86Quantizer().setFunctionTypeQconfig('linear', configOf(options, true));
  return convertPt2e(prepare(module, quantizer, options, describeRecipe(operatorOfType('linear'))));
}
