import type { GraphModule } from '../graph/index.ts';
import { type LoweringReport, type LowerOptions, lower } from '../lowering/index.ts';
import { checkOptions, type OptionNames, pickOptions } from '../options.ts';
import { type CalibrateOptions, calibrateOptions } from '../quantization/calibrate.ts';
import { type CompiledModel, type CompileOptions, compile, type ModelInputs } from '../runtime/index.ts';
import { compileOptions } from '../runtime/options.ts';
import { divideThreads } from '../runtime/threads.ts';
import { type TuneOptions, tune } from '../tuning/index.ts';
import {
  type CalibrationBatches,
  convertDynamic,
  convertStatic,
  type RecipeOptions,
  recipeOptions,
} from './convert.ts';
import { captured, type ModelSource } from './model-source.ts';

/** Options of {@link quantizeDynamic}, and of {@link quantizeStatic}. */
export interface QuantizeOptions extends RecipeOptions, Omit<CompileOptions, 'tuning'> {
  /** Throws if a quantized pattern cannot run on 8-bit integers, instead of running it in float. */
  readonly strict?: boolean;
  /** Lets everything that is not quantized compute in bfloat16; see {@link lower}. */
  readonly autocast?: LowerOptions['autocast'];
  /** Called with the report on what lowering did and what stayed in float. */
  readonly onReport?: (report: LoweringReport) => void;
  /**
   * Typical inputs for {@link tune}: it decides by measurement which layers are not faster on 8-bit integers, and the
   * number of threads. It needs a few seconds per layer.
   */
  readonly tune?: ModelInputs;
  /** Called after each layer measured for {@link QuantizeOptions.tune}. */
  readonly onTuned?: (done: number, total: number) => void;
}

/** Options of {@link quantizeStatic}. */
export interface QuantizeStaticOptions extends QuantizeOptions, CalibrateOptions {}

const { tuning: _, ...compiling } = compileOptions;

const dynamicOptions: OptionNames<QuantizeOptions> = {
  ...compiling,
  ...recipeOptions,
  strict: 'boolean',
  autocast: true,
  onReport: true,
  tune: true,
  onTuned: true,
};

const staticOptions: OptionNames<QuantizeStaticOptions> = { ...dynamicOptions, ...calibrateOptions };

/**
 * Turns a float model into one that runs on 8-bit integers, in one call: captures, calibrates with the batches,
 * converts, lowers and compiles, by the default recipe for this CPU. Each stage can also be called separately
 * (`preparePt2e`, `calibrate`, `convertPt2e`, `lower`, `compile`).
 * @param model a captured model, `{ module, exampleInputs }`, or the path of a `.pt2` or `.onnx` file.
 * @param batches any iterable, async or not: an array of batches, a generator, a stream in object mode, or
 * `dataset.inputs()` of `octavo/data`. One batch at a time is requested.
 *
 * @example
 * const model = await loadPt2('resnet50.pt2');
 * const dataset = await readDataset('calibration.safetensors', { model, batch: 32 });
 * const quantized = await quantizeStatic(model, dataset.inputs());
 *
 * @throws Error as these stages do; for overrides that name what the model does not have; if nothing in the model can
 * be quantized; and for an unknown option.
 */
export async function quantizeStatic(
  model: ModelSource,
  batches: CalibrationBatches,
  options: QuantizeStaticOptions = {},
): Promise<CompiledModel> {
  checkOptions(options, staticOptions, 'quantizeStatic');
  const module = await captured(model, 'quantizeStatic');
  return compileConverted(await convertStatic(module, batches, options), options);
}

/**
 * The same without calibration data: weights of linear, LSTM and GRU layers become 8-bit integers, and their inputs are
 * quantized with parameters computed from each input, and states from those of each step (counterpart:
 * `torch.ao.quantization.quantize_dynamic`). For transformers and other models that consist mostly of such layers.
 * @throws Error as {@link quantizeStatic} does.
 */
export async function quantizeDynamic(
  model: ModelSource,
  options: QuantizeOptions = {},
): Promise<CompiledModel> {
  checkOptions(options, dynamicOptions, 'quantizeDynamic');
  return compileConverted(await convertDynamic(await captured(model, 'quantizeDynamic'), options), options);
}

function compileConverted(converted: GraphModule, options: QuantizeOptions): CompiledModel {
  const { strict = false, autocast } = options;
  const lowering = { strict, autocast };
  if (options.tune === undefined) {
    const { module, report } = lower(converted, lowering);
    options.onReport?.(report);
    return compile(module, pickOptions<CompileOptions>(options, compileOptions));
  }
  const { module, report, tuning } = tune(converted, options.tune, { ...lowering, ...tuneOptions(options) });
  options.onReport?.(report);
  return compile(module, { ...pickOptions<CompileOptions>(options, compileOptions), tuning });
}

/** Tuning compiles one stream, so it needs to know how many threads each of the model's streams has. */
const tuneOptions = ({ onTuned, ...options }: QuantizeOptions): TuneOptions => ({
  threadsPerStream: divideThreads(options).threadsPerStream,
  ...(onTuned === undefined ? {} : { onProgress: onTuned }),
});
