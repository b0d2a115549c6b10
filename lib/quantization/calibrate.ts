import { setImmediate } from 'node:timers/promises';
import { checkSignal, untilAborted } from '../abort.ts';
import { operators } from '../aten/index.ts';
import {
  bindInputs,
  declaredInputs,
  describeOperators,
  GraphModule,
  Interpreter,
  type ModelInputs,
} from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';

/** One batch: the model's only input, its inputs in order, or its inputs by name. */
export type CalibrationBatch = ModelInputs;

/** Options of {@link calibrate}. */
export interface CalibrateOptions {
  /** Called after every batch with the number of batches done. */
  readonly onProgress?: (batches: number) => void;
  /** Stops before the next batch, also while that is still to come, and closes the iterator. */
  readonly signal?: AbortSignal;
}

/** Names of the options of {@link calibrate}. */
export const calibrateOptions: OptionNames<CalibrateOptions> = { onProgress: true, signal: true };

/**
 * Shows a prepared model representative inputs, so that its observers learn the ranges of its tensors (what a PyTorch
 * script writes as `for batch in loader: prepared(batch)`). Runs on native kernels; other work gets its turn between
 * batches.
 * @param batches any iterable, async or not. Each batch is requested when the one before has been run, so batches that are read
 * or computed on the way, by an async generator for example, need the memory of one. `octavo/data` reads files and folders.
 *
 * @example
 * async function* batches() {
 *   for await (const rows of database.stream()) yield { x: new Tensor('float32', rows.pixels, [rows.count, 3, 224, 224]) };
 * }
 * await calibrate(prepared, batches());
 *
 * @returns the number of batches seen.
 * @throws Error that says which batch, and which input or node: a model without observers, no batches at all, an input
 * of the wrong name, dtype or shape, NaN anywhere, an infinite weight, an unknown option; the signal's reason when it is aborted. Infinite
 * activations are left out of the ranges, with a process warning.
 */
export async function calibrate(
  prepared: GraphModule,
  batches: AsyncIterable<CalibrationBatch> | Iterable<CalibrationBatch>,
  options: CalibrateOptions = {},
): Promise<number> {
  const { graph } = GraphModule.accept(prepared, 'calibrate');
  if (!graph.nodes.some(({ op }) => op === 'call_module'))
    throw new Error(
      'calibrate: the model has no observers: prepare it with preparePt2e and a quantizer that annotates something; ' +
        `it has ${describeOperators(graph)}`,
    );
  checkBatches(batches, 'calibrate');
  checkOptions(options, calibrateOptions, 'calibrate');
  checkSignal(options.signal, 'calibrate');
  const interpreter = new Interpreter(prepared, operators);
  const inputs = declaredInputs(graph);
  let done = 0;
  for await (const batch of untilAborted(batches, options.signal)) {
    try {
      interpreter.run(bindInputs(inputs, batch, prepared.rangeConstraints));
    } catch (error) {
      throw new Error(`calibration batch ${done}: ${(error as Error).message}`, { cause: error });
    }
    done++;
    options.onProgress?.(done);
    await setImmediate();
  }
  if (done === 0) throw new Error('calibrate: the calibration set is empty; it needs at least one batch');
  return done;
}

/** @throws Error when batches cannot be read by `for await`. */
export function checkBatches(batches: unknown, where: string): void {
  const isIterable =
    typeof batches === 'object' &&
    batches !== null &&
    (Symbol.iterator in batches || Symbol.asyncIterator in batches);
  if (!isIterable)
    throw new Error(`${where}: batches must be an iterable, async or not; a single batch is [batch]`);
}
