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
  type SmoothQuantOptions,
  smoothQuant,
  X86Quantizer,
} from '../quantization/index.ts';
import { classesThatHideLayers, describeRecipe, operatorOfType } from '../quantization/x86/operators.ts';
import { applyOverrides, type QuantizationOverrides } from './overrides.ts';

/** Options of quantization, beyond the default recipe. */
export interface RecipeOptions {
  /** 7-bit activations: less accurate, but faster on CPUs without VNNI. */
  readonly reduceRange?: boolean;
  /** The PT2E to follow; default `torchao`, today's. See {@link getDefaultX86QuantizationConfig}. */
  readonly recipe?: Recipe;
  readonly overrides?: QuantizationOverrides;
  /** Balances the inputs of linear layers first; see {@link smoothQuant}. */
  readonly smoothQuant?: SmoothQuantRecipe;
}

/** Options of {@link smoothQuant} within a recipe. */
export interface SmoothQuantRecipe extends SmoothQuantOptions {
  /** Typical inputs, for the largest values of the channels. */
  readonly batches: CalibrationBatches;
}

/** Names of the options of the recipe. */
export const recipeOptions: OptionNames<RecipeOptions> = {
  reduceRange: 'boolean',
  recipe: true,
  overrides: true,
  smoothQuant: true,
};

/** Batches that represent the model's future inputs: any iterable, async or not, as `calibrate` accepts it. */
export type CalibrationBatches = AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>;

/**
 * Inserts observers by the default recipe.
 * @throws Error that says what the recipe searches for and what the model contains, if nothing would be quantized.
 */
export function prepareStatic(
  module: GraphModule,
  options: Omit<RecipeOptions, 'smoothQuant'> = {},
): GraphModule {
  return prepare(module, staticQuantizer(module, options), describeRecipe(), options);
}

/**
 * The quantizer of the default recipe with the overrides.
 * @throws Error for overrides that name what the model does not have.
 */
export function staticQuantizer(
  module: GraphModule,
  options: Omit<RecipeOptions, 'smoothQuant'>,
): X86Quantizer {
  return overridden(new X86Quantizer().setGlobal(configOf(options, false)), module, options);
}

const configOf = ({ reduceRange, recipe }: RecipeOptions, isDynamic: boolean): QuantizationConfig =>
  getDefaultX86QuantizationConfig({
    isDynamic,
    ...(reduceRange === undefined ? {} : { reduceRange }),
    ...(recipe === undefined ? {} : { recipe }),
  });

function overridden(
  quantizer: X86Quantizer,
  module: GraphModule,
  { overrides }: RecipeOptions,
): X86Quantizer {
  if (overrides) applyOverrides(quantizer, module, overrides);
  return quantizer;
}

function prepare(
  module: GraphModule,
  quantizer: X86Quantizer,
  wanted: string,
  { overrides }: RecipeOptions,
): GraphModule {
  const prepared = preparePt2e(module, quantizer);
  if (prepared.modules.size === 0)
    throw new Error(
      `nothing in the model can be quantized: the recipe looks for ${wanted}` +
        `${overrides ? ', as far as the overrides leave them' : ''}; the model has ${describeOperators(module.graph)}` +
        hintOf(module),
    );
  return prepared;
}

/** How to quantize layers that the recipe does not find. */
function hintOf({ graph }: GraphModule): string {
  const [className] = classesThatHideLayers(graph);
  return className === undefined
    ? ''
    : `; layers that ${className} calls are quantized with overrides: { moduleTypes: [['${className}', config]] }`;
}

async function smoothed(module: GraphModule, { smoothQuant: recipe }: RecipeOptions): Promise<GraphModule> {
  if (recipe === undefined) return module;
  if (typeof recipe !== 'object' || recipe === null)
    throw new Error(`smoothQuant must be { batches, alpha }, got ${recipe}`);
  const { batches, ...options } = recipe;
  return (await smoothQuant(module, batches, options)).module;
}

/**
 * Prepares, calibrates and converts.
 * @throws Error as {@link prepareStatic}, `smoothQuant` and `calibrate` do.
 */
export async function convertStatic(
  module: GraphModule,
  batches: CalibrationBatches,
  options: RecipeOptions & CalibrateOptions = {},
): Promise<GraphModule> {
  const prepared = prepareStatic(await smoothed(module, options), options);
  await calibrate(prepared, batches, pickOptions<CalibrateOptions>(options, calibrateOptions));
  return convertPt2e(prepared);
}

/** What dynamic quantization is for: operators of large weights. */
const dynamicOperators = ['linear', 'lstm', 'gru'] as const;

/**
 * Quantizes linear and recurrent layers, with parameters computed from each input. Other operators stay in float: there is no fast
 * kernel for their dynamic quantization.
 * @throws Error that says what the recipe searches for and what the model contains, if nothing would be quantized.
 */
export async function convertDynamic(module: GraphModule, options: RecipeOptions = {}): Promise<GraphModule> {
  const quantizer = new X86Quantizer();
  const config = configOf(options, true);
  for (const operator of dynamicOperators) quantizer.setFunctionTypeQconfig(operator, config);
  const wanted = describeRecipe(dynamicOperators.map(operatorOfType));
  const smooth = await smoothed(module, options);
  return convertPt2e(prepare(smooth, overridden(quantizer, smooth, options), wanted, options));
}
