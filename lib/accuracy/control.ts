import { lower } from '../lowering/index.ts';
import { pickOptions } from '../options.ts';
import { recipeOptions } from '../recipes/convert.ts';
import {
  type CalibrationBatches,
  captured,
  type ModelSource,
  prepareStatic,
  type RecipeOptions,
} from '../recipes/index.ts';
import { type CompiledModel, type CompileOptions, compile } from '../runtime/index.ts';
import { compileOptions } from '../runtime/options.ts';
import { readBatches } from './batches.ts';
import { FloatNetwork, noChoices } from './float-network.ts';
import { giveBack, takeBack, tryBfloat16 } from './give-back.ts';
import { expectedOutputs } from './measure.ts';
import { type AccuracyControlOptions, checkControlOptions, type Evaluate } from './options.ts';
import { rankGroups } from './ranking.ts';
import { type AccuracyControlRecord, type RankedLayers, recordKey } from './record.ts';
import { compileWith, measureMetric, Search } from './search.ts';
import { tryTechniques } from './techniques.ts';

/** What {@link quantizeWithAccuracyControl} returns. */
export interface AccuracyControlled {
  /** The fastest that was found with the target reached; otherwise the most accurate. Its metadata hold the record. */
  readonly model: CompiledModel;
  /** Whether the metric is within `maxDrop` of the float model's. */
  readonly isReached: boolean;
  readonly record: AccuracyControlRecord;
}

const where = 'quantizeWithAccuracyControl';

/**
 * Quantizes a model as far as its accuracy allows (counterparts: NNCF's `quantize_with_accuracy_control`, Intel Neural Compressor's
 * accuracy-aware tuning). Until the metric is within `maxDrop` of the float model's:
 *
 * 1. the recipe of `quantizeStatic` is tried as it is;
 * 2. then what costs the model no speed: {@link crossLayerEqualization}, {@link smoothQuant}, weights clipped to the range of the
 *    least squared error, other observers for the worst layers, {@link biasCorrection}. Each is kept if it makes the outputs' error
 *    on the calibration data at least 2 % less, and then the metric no worse;
 * 3. then layers are given back to floating point, the most harmful first. Harm is measured: every layer alone on the float model's
 *    values, and for the worst, the outputs' error with them in floating point. Layers that share quantization parameters go
 *    together;
 * 4. those that turn out not to be needed are quantized again, and what stays in floating point computes in bfloat16 if the target holds so
 *    and it is measured to be faster on this CPU.
 *
 * Apart from times, and so from bfloat16, the same call does the same twice if `evaluate` does. The metric of a small test set moves
 * in large steps: one of 2000 images is 0.05 points.
 * @param model as `quantizeStatic` accepts it.
 * @param batches typical inputs, at best some hundred samples, not those that `evaluate` uses. They are gone through many times, and
 * kept in memory with the float model's outputs.
 * @param evaluate measures a compiled model; higher is better. The model is disposed afterwards.
 * @returns a model also if the target is not reached, which `isReached` says: when the budget is spent before, with
 * `autocast: 'bfloat16'`, or when `evaluate` does not return the same for the same model.
 *
 * @example
 * const { model, isReached, record } = await quantizeWithAccuracyControl(
 *   'mobilenet.pt2',
 *   calibration.inputs(),
 *   async (model) => 100 * (await top1(model, test)),
 *   { maxDrop: 0.5 },
 * );
 * console.log(formatAccuracyControl(record));
 * if (isReached) await model.save('mobilenet.octavo');
 *
 * @throws Error (rejects) as `quantizeStatic` does; when `evaluate` does, or returns something else than a finite number; when
 * outputs of the float model are not finite numbers or all 0; the signal's reason when it is aborted, between batches and after
 * `evaluate`.
 */
export async function quantizeWithAccuracyControl(
  model: ModelSource,
  batches: CalibrationBatches,
  evaluate: Evaluate,
  options: AccuracyControlOptions,
): Promise<AccuracyControlled> {
  checkControlOptions(options, where);
  if (typeof evaluate !== 'function')
    throw new Error(`${where}: evaluate must be a function from a model to a number, got ${typeof evaluate}`);
  const start = performance.now();
  const { signal } = options;
  const module = await captured(model, where);
  const recipe = pickOptions<RecipeOptions>(options, recipeOptions);
  // Says so if nothing can be quantized, before the time is spent.
  prepareStatic(module, recipe);
  const read = await readBatches(batches, signal, where);
  using float = compileWith(lower(module).module, options);
  const floatMetric = await measureMetric(float, evaluate, signal);
  const expected = await expectedOutputs(float, read, signal);
  const original = new FloatNetwork(module, recipe, read, signal);
  const search = new Search({ original, float, floatMetric, expected, start }, evaluate, options);
  await search.attempt(
    { network: search.original, choices: noChoices },
    { technique: 'quantize', isKept: () => true },
  );
  await tryTechniques(search, recipe);
  let ranking: readonly RankedLayers[] = [];
  if (!search.isReached && !search.isSpent) {
    const quantized = search.current;
    ranking = await rankGroups(search);
    await giveBack(search, ranking);
    if (search.isReached) await takeBack(search, ranking, quantized);
    if (search.isReached) await tryBfloat16(search);
  }
  return finish(search, ranking, options);
}

async function finish(
  search: Search,
  ranking: readonly RankedLayers[],
  options: AccuracyControlOptions,
): Promise<AccuracyControlled> {
  const { module, report } = await search.lowered();
  const { metric, relativeTime, choices, network, attempt } = search.result;
  const { isReached, floatMetric, attempts } = search;
  const record: AccuracyControlRecord = {
    maxDrop: options.maxDrop,
    isReached,
    floatMetric,
    metric,
    relativeTime,
    attempts,
    returned: attempt,
    ranking,
    inFloat: [...choices.inFloat],
    quantized: network.groups.flat().filter((layer) => !choices.inFloat.has(layer)),
  };
  options.onReport?.(report);
  const compiling = pickOptions<CompileOptions>(options, compileOptions);
  const metadata = { ...options.metadata, [recordKey]: JSON.stringify(record) };
  return { model: compile(module, { ...compiling, metadata }), isReached, record };
}
