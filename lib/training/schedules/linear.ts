import { checkOptions, type OptionNames } from '../../options.ts';
import { checkCount, checkNumber } from '../checks.ts';
import type { Optimizer } from '../optimizer.ts';
import { LRScheduler } from './lr-scheduler.ts';

/** Options of {@link LinearLR}. */
export interface LinearOptions {
  /** The first rate, as a share of the optimizer's; default 1/3. */
  readonly startFactor?: number;
  /** The last rate, as a share of the optimizer's; default 1. */
  readonly endFactor?: number;
  /** Steps from the first to the last; default 5. */
  readonly totalIters?: number;
}

const linearOptions: OptionNames<LinearOptions> = { startFactor: true, endFactor: true, totalIters: true };

/**
 * From a share of the optimizer's rate to another along a line, and no further: a warm-up (counterpart:
 * `torch.optim.lr_scheduler.LinearLR`).
 *
 *     const warmUp = new LinearLR(optimizer, { startFactor: 0.01, totalIters: 100 });
 * @throws Error for an unknown option, a `startFactor` outside of (0, 1], an `endFactor` outside of [0, 1], or a `totalIters` that is
 * no whole number above 0.
 */
export class LinearLR extends LRScheduler {
  readonly #options: Required<LinearOptions>;

  constructor(optimizer: Optimizer, options: LinearOptions = {}) {
    checkOptions(options, linearOptions, 'LinearLR');
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    checkNumber(startFactor, 'startFactor', 'LinearLR', 'above 0 and at most 1', (f) => f > 0 && f <= 1);
    checkNumber(endFactor, 'endFactor', 'LinearLR', 'from 0 to 1', (f) => f >= 0 && f <= 1);
    checkCount(totalIters, 'totalIters', 'LinearLR');
    super(optimizer, { startFactor, endFactor, totalIters });
    this.#options = { startFactor, endFactor, totalIters };
    this.moveTo(0);
  }

  override rateAt(epoch: number): number {
    const { startFactor, endFactor, totalIters } = this.#options;
    const share = Math.min(epoch, totalIters) / totalIters;
    return this.optimizer.initialLr * (startFactor + (endFactor - startFactor) * share);
  }
}
