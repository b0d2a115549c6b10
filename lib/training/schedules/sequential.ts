import { checkOptions, type OptionNames } from '../../options.ts';
import { checkCount } from '../checks.ts';
import type { Optimizer } from '../optimizer.ts';
import { LRScheduler } from './lr-scheduler.ts';

/** Options of {@link SequentialLR}. */
export interface SequentialOptions {
  /** Schedules of the same optimizer. */
  readonly schedulers: readonly LRScheduler[];
  /** The step at which each of them but the first begins. */
  readonly milestones: readonly number[];
}

const sequentialOptions: OptionNames<SequentialOptions> = { schedulers: true, milestones: true };

/**
 * One schedule after the other (counterpart: `torch.optim.lr_scheduler.SequentialLR`). Only this one's `step` is called.
 *
 *     const schedule = new SequentialLR(optimizer, {
 *       schedulers: [
 *         new LinearLR(optimizer, { startFactor: 0.01, totalIters: 100 }),
 *         new CosineAnnealingLR(optimizer, { tMax: steps - 100 }),
 *       ],
 *       milestones: [100],
 *     });
 * @throws Error for an unknown option, schedules of another optimizer, or milestones that do not rise or are not one less than the
 * schedules.
 */
export class SequentialLR extends LRScheduler {
  readonly #schedulers: readonly LRScheduler[];
  readonly #milestones: readonly number[];

  constructor(optimizer: Optimizer, options: SequentialOptions) {
    checkOptions(options, sequentialOptions, 'SequentialLR');
    const { schedulers, milestones } = options;
    if (!Array.isArray(schedulers) || !schedulers.every((each) => each instanceof LRScheduler))
      throw new Error(
        'SequentialLR: schedulers must be a list of schedules, such as new LinearLR(optimizer)',
      );
    if (!Array.isArray(milestones) || milestones.length !== schedulers.length - 1)
      throw new Error(
        `SequentialLR: milestones must be a list of one step less than there are schedules (${schedulers.length})`,
      );
    milestones.forEach((milestone, i) => {
      checkCount(milestone, `milestones[${i}]`, 'SequentialLR');
      if (i > 0 && milestone <= milestones[i - 1])
        throw new Error(`SequentialLR: milestones must rise, got ${milestones.join(', ')}`);
    });
    if (schedulers.some((each) => each.optimizer !== optimizer))
      throw new Error('SequentialLR: all schedules must be of the same optimizer');
    super(optimizer, {
      schedulers: schedulers.map((each) => {
        const { name, options: its } = each.stateDict();
        return { name, options: its };
      }),
      milestones,
    });
    this.#schedulers = schedulers;
    this.#milestones = milestones;
    this.moveTo(0);
  }

  override rateAt(epoch: number): number {
    const begun = this.#milestones.filter((milestone) => milestone <= epoch);
    return this.#schedulers[begun.length].rateAt(epoch - (begun.at(-1) ?? 0));
  }
}
