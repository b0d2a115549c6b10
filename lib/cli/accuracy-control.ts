import type { Command } from 'commander';
import type { AccuracyAttempt, AccuracyControlOptions, AccuracyControlRecord } from '../accuracy/index.ts';
import { formatAccuracyControl, quantizeWithAccuracyControl } from '../accuracy/index.ts';
import type { Dataset } from '../data/index.ts';
import type { GraphModule } from '../graph/index.ts';
import type { CompiledModel } from '../runtime/index.ts';
import { accuracy } from './accuracy.ts';
import { calibrationBatches } from './calibration.ts';
import { dataDescription } from './dataset.ts';
import { nonNegativeNumber, positiveInteger } from './option-parsers.ts';
import { Interrupted, interruptible } from './training/interruption.ts';
import { UsageError } from './usage-error.ts';

/** The options that quantize with accuracy control. */
export interface ControlFlags {
  readonly maxDrop?: number;
  readonly eval?: string;
  readonly maxEvaluations?: number;
}

export function addControlOptions(command: Command): Command {
  return command
    .option(
      '--max-drop <points>',
      'points of top-1 accuracy, in percent, that may be lost at most: tries what wins accuracy, and leaves the most harmful layers in float',
      nonNegativeNumber,
    )
    .option(
      '--eval <path>',
      `with --max-drop: examples with their classes to measure accuracy on: ${dataDescription}`,
    )
    .option(
      '--max-evaluations <n>',
      'with --max-drop: how often accuracy is measured at most (default: until it is reached)',
      positiveInteger,
    );
}

/** @throws UsageError for options that belong together and are not, or do not and are. */
export function checkControlFlags(
  options: ControlFlags & {
    readonly tune?: boolean;
    readonly smoothQuant?: number;
    readonly strict?: boolean;
  },
): void {
  const { maxDrop, eval: data, maxEvaluations, tune, smoothQuant, strict } = options;
  if (maxDrop === undefined) {
    const [alone] = [
      data === undefined ? [] : ['--eval'],
      maxEvaluations === undefined ? [] : ['--max-evaluations'],
    ].flat();
    if (alone !== undefined) throw new UsageError(`${alone} is for --max-drop <points>`);
    return;
  }
  if (data === undefined)
    throw new UsageError(
      '--max-drop needs --eval <path>: examples with their classes to measure accuracy on',
    );
  if (maxEvaluations === 1)
    throw new UsageError(
      '--max-evaluations must be 2 or more: the float and the int8 model are measured in any case',
    );
  if (tune)
    throw new UsageError('--tune cannot be combined with --max-drop: both decide which layers are int8');
  if (smoothQuant !== undefined)
    throw new UsageError('--smooth-quant cannot be combined with --max-drop, which tries it by itself');
  if (strict)
    throw new UsageError('--strict cannot be combined with --max-drop, which leaves layers in float');
}

/**
 * Quantizes a classifier as far as its accuracy on a dataset allows.
 * @throws Error (rejects) with what was tried when the accuracy is not reached; Interrupted when the process is told to end.
 */
export function quantizeControlled(
  captured: GraphModule,
  calibration: Dataset,
  evaluation: Dataset,
  options: Omit<AccuracyControlOptions, 'signal'>,
): Promise<{ readonly model: CompiledModel; readonly record: AccuracyControlRecord }> {
  return interruptible(async (signal) => {
    const top1 = async (model: CompiledModel) => {
      const { correct, total } = await accuracy(model, evaluation, signal);
      return (100 * correct) / total;
    };
    const batches = calibrationBatches(calibration, 'reading');
    const { model, isReached, record } = await quantizeWithAccuracyControl(captured, batches, top1, {
      ...options,
      signal,
      onAttempt: showAttempt,
    }).catch((error) => {
      throw signal.aborted ? new Interrupted('interrupted; nothing was written') : error;
    });
    if (isReached) return { model, record };
    model.dispose();
    const { maxEvaluations } = options;
    const within = maxEvaluations === undefined ? '' : ` within ${maxEvaluations} evaluations`;
    throw new Error(
      `the accuracy was not reached${within}; nothing was written\n${formatAccuracyControl(record)}`,
    );
  });
}

/** A line for each attempt, as progress bars on a terminal alone: a search takes as long as many evaluations. */
function showAttempt({ technique, layers, metric, isKept }: AccuracyAttempt): void {
  if (!process.stderr.isTTY) return;
  const accuracy = metric === null ? '' : `, ${Number(metric.toFixed(2))} %`;
  const tried = [technique, ...layers.slice(0, 3)].join(' ');
  process.stderr.write(`tried ${tried}${accuracy}: ${isKept ? 'kept' : 'not kept'}\n`);
}
