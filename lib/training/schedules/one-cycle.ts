import { checkOptions, type OptionNames } from '../../options.ts';
import { checkCount, checkNumber } from '../checks.ts';
import type { Optimizer } from '../optimizer.ts';
import { LRScheduler } from './lr-scheduler.ts';

/** Options of {@link OneCycleLR}. */
export interface OneCycleOptions {
  /** The highest rate. */
  readonly maxLr: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** The share of them in which the rate rises; default 0.3. */
  readonly pctStart?: number;
  /** The first rate is the highest divided by this; default 25. */
  readonly divFactor?: number;
  /** The last rate is the first divided by this; default 10,000. */
  readonly finalDivFactor?: number;
}

const oneCycleOptions: OptionNames<OneCycleOptions> = {
  maxLr: true,
  totalSteps: true,
  pctStart: true,
  divFactor: true,
  finalDivFactor: true,
};

/**
 * Up to `maxLr` and down to almost nothing, both along half a cosine, in one run (counterpart:
 * `torch.optim.lr_scheduler.OneCycleLR` with `cycle_momentum=False`: momenta stay as they are). The optimizer's own rate does not
 * matter.
 *
 *     const schedule = new OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: epochs * loader.length });
 * @throws Error for an unknown option or a value outside of its range; in `step`, when the run has more steps than `totalSteps`.
 */
export class OneCycleLR extends LRScheduler {
  readonly #options: Required<OneCycleOptions>;

  constructor(optimizer: Optimizer, options: OneCycleOptions) {
    checkOptions(options, oneCycleOptions, 'OneCycleLR');
    const { maxLr, totalSteps, pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4 } = options;
    for (const [name, value] of Object.entries({ maxLr, divFactor, finalDivFactor }))
      checkNumber(value, name, 'OneCycleLR', 'above 0', (number) => number > 0);
    checkNumber(pctStart, 'pctStart', 'OneCycleLR', 'from 0 to 1', (share) => share >= 0 && share <= 1);
    checkCount(totalSteps, 'totalSteps', 'OneCycleLR');
    const all = { maxLr, totalSteps, pctStart, divFactor, finalDivFactor };
    super(optimizer, all);
    this.#options = all;
    this.moveTo(0);
  }

  override rateAt(epoch: number): number {
    const { maxLr, totalSteps, pctStart, divFactor, finalDivFactor } = this.#options;
    if (epoch > totalSteps)
      throw new Error(`OneCycleLR: step ${epoch} is one more than totalSteps, ${totalSteps}`);
    const first = maxLr / divFactor;
    const last = first / finalDivFactor;
    const top = pctStart * totalSteps - 1;
    // The call after the last step finds the last rate still.
    const at = Math.min(epoch, totalSteps - 1);
    // A rise of no length, where PyTorch divides by zero, is at its top.
    if (at <= top) return alongCosine(first, maxLr, top === 0 ? 1 : at / top);
    return alongCosine(maxLr, last, (at - top) / (totalSteps - 1 - top));
  }
}

const alongCosine = (from: number, to: number, share: number): number =>
  to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
