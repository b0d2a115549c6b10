import type { Tensor } from '../../tensor/index.ts';
import { ExtremesObserver, type MovingAverageArgs, movingAverage, type RangeRule } from './min-max.ts';
import { extremesOf } from './statistics.ts';
import type { UniformObserverArgs } from './uniform-observer.ts';

/** Arguments of per-channel observers. */
export interface PerChannelObserverArgs extends UniformObserverArgs {
  /** The axis whose slices have their own parameters; default 0. */
  readonly chAxis?: number;
}

abstract class PerChannelObserver extends ExtremesObserver {
  readonly chAxis: number;

  constructor(args: PerChannelObserverArgs) {
    super(args, true);
    if (this.isDynamic) throw new Error(`${this.constructor.name}: dynamic quantization is per tensor`);
    this.chAxis = args.chAxis ?? 0;
  }
}

/** The running minimum and maximum of every channel (counterpart: `torch.ao.quantization.PerChannelMinMaxObserver`). */
export class PerChannelMinMaxObserver extends PerChannelObserver {
  constructor(args: PerChannelObserverArgs = {}) {
    super(args);
  }

  protected override observe(input: Tensor): void {
    this.merge(extremesOf(input, this.chAxis), Math.min, Math.max);
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

  override get rangeRule(): RangeRule {
    return { ...super.rangeRule, averagingConstant: this.averagingConstant };
  }

  protected override observe(input: Tensor): void {
    const average = movingAverage(this.averagingConstant);
    this.merge(extremesOf(input, this.chAxis), average, average);
  }
}
