import { checkSignal } from '../abort.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { recipeOptions } from '../recipes/convert.ts';
import type { QuantizeStaticOptions } from '../recipes/index.ts';
import type { CompiledModel } from '../runtime/index.ts';
import { compileOptions } from '../runtime/options.ts';
import type { AccuracyAttempt } from './record.ts';

/** Measures a model; higher is better. Its unit is that of `maxDrop`. */
export type Evaluate = (model: CompiledModel) => Promise<number> | number;

/** Options of `quantizeWithAccuracyControl`: its own, and those of `quantizeStatic` but what is decided here. It is never `strict`: layers may stay in float. */
export interface AccuracyControlOptions
  extends Omit<QuantizeStaticOptions, 'smoothQuant' | 'strict' | 'tune' | 'onTuned' | 'onProgress'> {
  /** How far the metric may be below the float model's, in its own unit; 0 or more. */
  readonly maxDrop: number;
  /** No more attempts are begun after this many calls of `evaluate`, the float model's included; default no limit, at least 2. */
  readonly maxEvaluations?: number;
  /**
   * No more attempts are begun after so many seconds; default no limit. The one that runs is finished: at longest, bias correction, which
   * goes through the batches once for each layer.
   */
  readonly maxSeconds?: number;
  /** Called after every attempt. */
  readonly onAttempt?: (attempt: AccuracyAttempt) => void;
}

const { tuning: _, ...compiling } = compileOptions;
const { smoothQuant: __, ...recipe } = recipeOptions;

const controlOptions: OptionNames<AccuracyControlOptions> = {
  ...compiling,
  ...recipe,
  autocast: true,
  onReport: true,
  signal: true,
  maxDrop: true,
  maxEvaluations: true,
  maxSeconds: true,
  onAttempt: true,
};

/** @throws Error that names the option that is unknown or out of its range; the signal's reason if it is aborted already. */
export function checkControlOptions(options: AccuracyControlOptions, where: string): void {
  if (Object.hasOwn(options ?? {}, 'strict'))
    throw new Error(
      `${where}: strict cannot be combined with accuracy control, which leaves layers in float, and what is beside them`,
    );
  checkOptions(options, controlOptions, where);
  const { maxDrop, maxEvaluations = 2, maxSeconds = 0, signal } = options;
  if (!(typeof maxDrop === 'number' && maxDrop >= 0 && maxDrop < Infinity))
    throw new Error(`${where}: maxDrop must be a number from 0, in the unit of the metric, got ${maxDrop}`);
  if (!(Number.isInteger(maxEvaluations) && maxEvaluations >= 2))
    throw new Error(
      `${where}: maxEvaluations must be a whole number from 2, for the float and the int8 model, got ${maxEvaluations}`,
    );
  if (!(typeof maxSeconds === 'number' && maxSeconds >= 0))
    throw new Error(`${where}: maxSeconds must be a number from 0, got ${maxSeconds}`);
  checkSignal(signal, where);
}
