import { checkOptions, type OptionNames } from '../../options.ts';
import { checkAmount, checkCount } from '../checks.ts';
import type { Optimizer } from '../optimizer.ts';
import { LRScheduler } from './lr-scheduler.ts';

/** Options of {@link CosineAnnealingLR}. */
export interface CosineAnnealingOptions {
  /** Steps from the first rate to the last (`T_max`). */
  readonly tMax: number;
  /** The last rate; default 0. */
  readonly etaMin?: number;
}

const cosineOptions: OptionNames<CosineAnnealingOptions> = { tMax: true, etaMin: true };

/**
 * From the optimizer's rate down to `etaMin` along half a cosine, and up again if it goes on (counterpart:
 * `torch.optim.lr_scheduler.CosineAnnealingLR`).
 *
 *     const schedule = new CosineAnnealingLR(optimizer, { tMax: epochs * loader.length });
 * @throws Error for an unknown option, a `tMax` that is no whole number above 0, or a negative `etaMin`.
 */
export class CosineAnnealingLR extends LRScheduler {
  readonly #tMax: number;
  readonly #etaMin: number;

  constructor(optimizer: Optimizer, options: CosineAnnealingOptions) {
    checkOptions(options, cosineOptions, 'CosineAnnealingLR');
    const { tMax, etaMin = 0 } = options;
    checkCount(tMax, 'tMax', 'CosineAnnealingLR');
    checkAmount(etaMin, 'etaMin', 'CosineAnnealingLR');
    super(optimizer, { tMax, etaMin });
    this.#tMax = tMax;
    this.#etaMin = etaMin;
    this.moveTo(0);
  }

  override rateAt(epoch: number): number {
    const span = this.optimizer.initialLr - this.#etaMin;
    return this.#etaMin + (span * (1 + Math.cos((Math.PI * epoch) / this.#tMax))) / 2;
  }
}
