import type { Tensor } from '../../tensor/index.ts';
import type { QParams } from '../qparams.ts';
import { leastSquaresOf } from './least-squares.ts';
import { type Extremes, extremesOf } from './statistics.ts';
import { type UniformObserverArgs, UniformQuantizationObserver } from './uniform-observer.ts';

const f32 = Math.fround;

/** Combines the extremes so far with a new tensor's. */
export type Merge = (seen: number, now: number) => number;

/** How a range follows from one tensor after the other, for graphs that keep the range themselves. */
export interface RangeRule {
  /** Weight of each new tensor; null where the range grows to hold it. */
  readonly averagingConstant: number | null;
  /** Whether a tensor's range is the part of it that has the least squared error. */
  readonly searches: boolean;
}

/** Base of observers that keep only extremes, per tensor or per channel. */
export abstract class ExtremesObserver extends UniformQuantizationObserver {
  #seen: Extremes | undefined;

  /** The axis of channels with their own extremes; absent per tensor. */
  readonly chAxis?: number;

  /**
   * What `octavo.observe_range` does as this observer does.
   * @internal
   */
  get rangeRule(): RangeRule {
    return { averagingConstant: null, searches: false };
  }

  /** Smallest values so far, one per channel. Throws if nothing has been observed. */
  get minVal(): Float32Array {
    return this.#extremes.minima;
  }

  /** Largest values so far, one per channel. Throws if nothing has been observed. */
  get maxVal(): Float32Array {
    return this.#extremes.maxima;
  }

  /** @throws Error when nothing has been observed. */
  override calculateQparams(): QParams {
    return this.qparamsOf(this.#extremes);
  }

  /**
   * Parameters for extremes that something else has observed, by this observer's rules.
   * @internal
   */
  qparamsFor(extremes: Extremes): QParams {
    return this.qparamsOf(extremes);
  }

  protected override observe(input: Tensor): void {
    const { averagingConstant, searches } = this.rangeRule;
    const now = searches ? leastSquaresOf(input, this, this.chAxis) : extremesOf(input, this.chAxis);
    const average = averagingConstant === null ? undefined : movingAverage(averagingConstant);
    this.#merge(now, average ?? Math.min, average ?? Math.max);
  }

  #merge(now: Extremes, min: Merge, max: Merge): void {
    const seen = this.#seen;
    if (seen === undefined) {
      this.#seen = now;
      return;
    }
    if (seen.minima.length !== now.minima.length)
      throw new Error(
        `${this.constructor.name}: saw ${seen.minima.length} channels before, now ${now.minima.length}`,
      );
    this.#seen = {
      minima: seen.minima.map((value, c) => min(value, now.minima[c])),
      maxima: seen.maxima.map((value, c) => max(value, now.maxima[c])),
    };
  }

  get #extremes(): Extremes {
    this.requireObserved();
    return this.#seen!;
  }
}

/** Arguments of observers with moving averages. */
export interface MovingAverageArgs {
  /** Weight of each new tensor; default 0.01. */
  readonly averagingConstant?: number;
}

/** `seen + constant * (now - seen)`, rounded to float32 at every step as PyTorch's tensors are. */
export function movingAverage(averagingConstant: number): Merge {
  const constant = f32(averagingConstant);
  return (seen, now) => f32(seen + f32(constant * f32(now - seen)));
}

/** The running minimum and maximum of all tensors (counterpart: `torch.ao.quantization.MinMaxObserver`). */
export class MinMaxObserver extends ExtremesObserver {
  constructor(args: UniformObserverArgs = {}) {
    super(args, false);
  }
}

/**
 * The moving average of each tensor's minimum and maximum (counterpart:
 * `torch.ao.quantization.MovingAverageMinMaxObserver`).
 */
export class MovingAverageMinMaxObserver extends ExtremesObserver {
  readonly averagingConstant: number;

  constructor(args: UniformObserverArgs & MovingAverageArgs = {}) {
    super(args, false);
    this.averagingConstant = args.averagingConstant ?? 0.01;
    if (this.isDynamic && this.averagingConstant !== 1)
      throw new Error('MovingAverageMinMaxObserver: dynamic quantization needs averagingConstant 1');
  }

  /** @internal */
  override get rangeRule(): RangeRule {
    return { ...super.rangeRule, averagingConstant: this.averagingConstant };
  }
}

/**
 * The moving average of the part of each tensor's range that has the least squared error: narrower than from minimum to maximum, which
 * pays below 8 bits. Unlike {@link MSEObserver} it keeps no histogram, so that a fake quantizer can begin with it.
 */
export class MovingAverageMSEObserver extends MovingAverageMinMaxObserver {
  /** @internal */
  override get rangeRule(): RangeRule {
    return { ...super.rangeRule, searches: true };
  }
}
