import { checkOptions, type OptionNames } from '../../options.ts';
import { checkAmount, checkCount } from '../checks.ts';
import type { Optimizer } from '../optimizer.ts';
import { LRScheduler } from './lr-scheduler.ts';

/** Options of {@link StepLR}. */
export interface StepOptions {
  /** Steps between two changes of the rate. */
  readonly stepSize: number;
  /** The factor of each change; default 0.1. */
  readonly gamma?: number;
}

const stepOptions: OptionNames<StepOptions> = { stepSize: true, gamma: true };

/**
 * Multiplies the rate with `gamma` after every `stepSize` steps (counterpart: `torch.optim.lr_scheduler.StepLR`).
 *
 *     const schedule = new StepLR(optimizer, { stepSize: 30, gamma: 0.1 });
 * @throws Error for an unknown option, a `stepSize` that is no whole number above 0, or a negative `gamma`.
 */
export class StepLR extends LRScheduler {
  readonly #stepSize: number;
  readonly #gamma: number;

  constructor(optimizer: Optimizer, options: StepOptions) {
    checkOptions(options, stepOptions, 'StepLR');
    const { stepSize, gamma = 0.1 } = options;
    checkCount(stepSize, 'stepSize', 'StepLR');
    checkAmount(gamma, 'gamma', 'StepLR');
    super(optimizer, { stepSize, gamma });
    this.#stepSize = stepSize;
    this.#gamma = gamma;
    this.moveTo(0);
  }

  override rateAt(epoch: number): number {
    return this.optimizer.initialLr * this.#gamma ** Math.floor(epoch / this.#stepSize);
  }
}
