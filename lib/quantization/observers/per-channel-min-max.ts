import { checkChannelAxis } from '../qscheme.ts';
import { ExtremesObserver, type MovingAverageArgs, type RangeRule } from './min-max.ts';
import type { UniformObserverArgs } from './uniform-observer.ts';

/** Arguments of per-channel observers. */
export interface PerChannelObserverArgs extends UniformObserverArgs {
  /** The axis whose slices have their own parameters; default 0. */
  readonly chAxis?: number;
}

abstract class PerChannelObserver extends ExtremesObserver {
  override readonly chAxis: number;

  constructor(args: PerChannelObserverArgs) {
    super(args, true);
    if (this.isDynamic) throw new Error(`${this.constructor.name}: dynamic quantization is per tensor`);
    this.chAxis = args.chAxis ?? 0;
    checkChannelAxis(this.chAxis, this.constructor.name);
  }
}

/** The running minimum and maximum of every channel (counterpart: `torch.ao.quantization.PerChannelMinMaxObserver`). */
export class PerChannelMinMaxObserver extends PerChannelObserver {
  constructor(args: PerChannelObserverArgs = {}) {
    super(args);
  }
}

/**
 * The moving average of every channel's minimum and maximum (counterpart:
 * `torch.ao.quantization.MovingAveragePerChannelMinMaxObserver`).
 */
export class MovingAveragePerChannelMinMaxObserver extends PerChannelObserver {
  readonly averagingConstant: number;

  constructor(args: PerChannelObserverArgs & MovingAverageArgs = {}) {
    super(args);
    this.averagingConstant = args.averagingConstant ?? 0.01;
  }

  /** @internal */
  override get rangeRule(): RangeRule {
    return { ...super.rangeRule, averagingConstant: this.averagingConstant };
  }
}

/** The same of the part of every channel's range that has the least squared error: for weights of fewer than 8 bits. */
export class MovingAveragePerChannelMSEObserver extends MovingAveragePerChannelMinMaxObserver {
  /** @internal */
  override get rangeRule(): RangeRule {
    return { ...super.rangeRule, searches: true };
  }
}
