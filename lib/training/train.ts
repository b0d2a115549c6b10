import { inspect } from 'node:util';
import { checkSignal, unlessAborted, untilAborted } from '../abort.ts';
import type { GraphModule } from '../graph/index.ts';
import { checkOptions, type OptionNames } from '../options.ts';
import { fakeQuantizersOf } from '../quantization/fake-quantize/switches.ts';
import { disableObserver, freezeBatchNormStats } from '../quantization/index.ts';
import { type CheckpointParts, checkParts, saveCheckpoint } from './checkpoint.ts';
import { checkCount, checkPath } from './checks.ts';
import type { Tensors } from './loading/batch.ts';
import type { DataLoader } from './loading/data-loader.ts';
import type { LRScheduler } from './schedules/index.ts';
import { type TrainMeasure, TrainMeter } from './train-meter.ts';
import type { Trainer } from './trainer.ts';

/** Options of {@link train}. `E` is what `evaluate` finds. */
export interface TrainOptions<E = unknown> {
  /** Epochs of the whole run, those before a checkpoint included. */
  readonly epochs: number;
  /** Stepped after every step of the trainer. */
  readonly schedule?: LRScheduler;
  /** Epochs after which batch norms keep their running statistics; default: never. */
  readonly freezeBatchNormAfter?: number;
  /** Epochs after which fake quantizers keep the ranges that they observe; default: never. */
  readonly freezeObserversAfter?: number;
  /** More targets, computed from a batch's inputs as they were augmented: a float model's results to learn from. */
  readonly teacher?: (inputs: Tensors) => Tensors | Promise<Tensors>;
  /** Called after every epoch, between steps. */
  readonly evaluate?: (epoch: number) => E | Promise<E>;
  /** Where a checkpoint is kept: written after every epoch, and when the signal ends the run. */
  readonly checkpoint?: string;
  /** It is written after every so many steps, too. */
  readonly checkpointEvery?: number;
  /** What the checkpoint knows the run by, beside its parts. */
  readonly settings?: CheckpointParts['settings'];
  /** Ends the run between two steps. */
  readonly signal?: AbortSignal;
}

const trainOptions: OptionNames<TrainOptions> = {
  epochs: true,
  schedule: true,
  freezeBatchNormAfter: true,
  freezeObserversAfter: true,
  teacher: true,
  evaluate: true,
  checkpoint: true,
  checkpointEvery: true,
  settings: true,
  signal: true,
};

/** What {@link train} tells after every step. */
export interface TrainStepEvent extends TrainMeasure {
  /** Tells it from {@link TrainEpochEvent}. */
  readonly kind: 'step';
  /** The epoch that the step belongs to, from 0. */
  readonly epoch: number;
  /** Steps of the whole run. */
  readonly step: number;
  /** The rate that the step was taken with. */
  readonly lr: number;
}

/** What {@link train} tells after every epoch; its measures are of the steps that this call took of it, absent if all were before. */
export interface TrainEpochEvent<E> extends Partial<TrainMeasure> {
  /** Tells it from {@link TrainStepEvent}. */
  readonly kind: 'epoch';
  /** The epoch that has ended, from 0. */
  readonly epoch: number;
  /** Steps of the whole run until its end. */
  readonly step: number;
  /** What `evaluate` found. */
  readonly evaluation: E | undefined;
}

/**
 * Trains for some epochs. It is no more than what a loop of one's own would call, in this order: the loader's batches, `teacher`,
 * `trainer.step`, `schedule.step`; after an epoch `evaluate`, then `saveCheckpoint`. It begins where the loader stands: after
 * `loadCheckpoint` it goes on with the same bits.
 *
 *     for await (const event of train(trainer, loader, { epochs: 5, schedule, checkpoint: 'run.safetensors' }))
 *       if (event.kind === 'epoch') console.log(event.epoch, event.loss, event.accuracy);
 *
 * Whoever leaves the iteration early ends the run. The loader then stands behind the last step that was taken, as it does after an
 * Error or an abort: what was given out and not trained is given out again.
 * @throws (rejects) Error for options that are unknown, out of range or not for this model, before the first step; whatever its parts
 * throw; and the signal's reason when it is aborted, after the checkpoint was written.
 */
export async function* train<E = never>(
  trainer: Trainer,
  loader: DataLoader,
  options: TrainOptions<E>,
): AsyncGenerator<TrainStepEvent | TrainEpochEvent<E>> {
  checkTrain(trainer, loader, options);
  const { epochs, schedule, teacher, evaluate, checkpoint, checkpointEvery, signal } = options;
  const save = async () => {
    if (checkpoint !== undefined) await saveCheckpoint(checkpoint, partsOf(trainer, loader, options));
  };
  let place = loader.stateDict();
  try {
    while (loader.epoch < epochs) {
      const { epoch } = loader;
      freeze(trainer.model, epoch, options);
      const meter = new TrainMeter();
      for await (const { inputs, targets } of untilAborted(loader, signal)) {
        const { lr } = trainer.optimizer;
        const all = teacher ? { ...targets, ...(await teacher(inputs)) } : targets;
        const result = await trainer.step(inputs, all);
        schedule?.step();
        place = loader.stateDict();
        if (checkpointEvery && trainer.steps % checkpointEvery === 0) await save();
        yield {
          kind: 'step',
          epoch,
          step: trainer.steps,
          lr,
          ...meter.add(result, { inputs, targets: all }),
        };
      }
      const evaluation = await unlessAborted(
        Promise.resolve().then(() => evaluate?.(epoch)),
        signal,
      );
      place = loader.stateDict();
      await save();
      yield { kind: 'epoch', epoch, step: trainer.steps, ...meter.total, evaluation };
    }
  } catch (error) {
    loader.loadStateDict(place);
    if (signal?.aborted) await save();
    throw error;
  }
}

function partsOf<E>(trainer: Trainer, loader: DataLoader, options: TrainOptions<E>): CheckpointParts {
  const { schedule, settings } = options;
  return {
    trainer,
    loader,
    ...(schedule === undefined ? {} : { schedule }),
    ...(settings === undefined ? {} : { settings }),
  };
}

function freeze(model: GraphModule, epoch: number, options: TrainOptions): void {
  const { freezeBatchNormAfter = Infinity, freezeObserversAfter = Infinity } = options;
  if (epoch >= freezeBatchNormAfter) freezeBatchNormStats(model);
  if (epoch >= freezeObserversAfter) disableObserver(model);
}

function checkTrain<E>(trainer: Trainer, loader: DataLoader, options: TrainOptions<E>): void {
  checkOptions<TrainOptions>(options, trainOptions, 'train');
  checkParts(partsOf(trainer, loader, options), 'train');
  if (!loader) throw new Error('train: expected a DataLoader after the trainer');
  checkCount(options.epochs, 'epochs', 'train');
  for (const name of ['freezeBatchNormAfter', 'freezeObserversAfter'] as const) {
    const { [name]: after = 0 } = options;
    if (!Number.isSafeInteger(after) || after < 0)
      throw new Error(`train: ${name} must be a whole number of epochs, got ${inspect(after)}`);
  }
  if (options.freezeObserversAfter !== undefined)
    fakeQuantizersOf(trainer.model, 'train: freezeObserversAfter');
  for (const name of ['teacher', 'evaluate'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new Error(`train: ${name} must be a function, got ${inspect(options[name])}`);
  if (options.checkpoint !== undefined) checkPath(options.checkpoint, 'checkpoint', 'train');
  if (options.checkpointEvery !== undefined) {
    checkCount(options.checkpointEvery, 'checkpointEvery', 'train');
    if (options.checkpoint === undefined) throw new Error('train: checkpointEvery needs a checkpoint');
  }
  if (options.settings !== undefined && options.checkpoint === undefined)
    throw new Error('train: settings are kept in a checkpoint; it needs one');
  checkSignal(options.signal, 'train');
}
