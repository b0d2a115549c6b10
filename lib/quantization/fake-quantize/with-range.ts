import { checkOptions, type OptionNames } from '../../options.ts';
import { Tensor } from '../../tensor/index.ts';
import { ExtremesObserver } from '../observers/min-max.ts';
import { type ObserverOrFakeQuantizeConstructor, partialObserver } from '../observers/observer.ts';
import type { UniformObserverArgs } from '../observers/uniform-observer.ts';
import type { QParams } from '../qparams.ts';
import { type Call, FakeQuantizeBase } from './base.ts';

/** Arguments of fake quantizers that keep a range. */
export interface RangeFakeQuantizeArgs extends UniformObserverArgs {
  /** Of the observer, if it is per channel. */
  readonly chAxis?: number;
  /** Of the observer, if it has a moving average. */
  readonly averagingConstant?: number;
}

const argumentNames: OptionNames<RangeFakeQuantizeArgs> = {
  dtype: true,
  isDynamic: 'boolean',
  qscheme: true,
  reduceRange: 'boolean',
  quantMin: true,
  quantMax: true,
  eps: true,
  chAxis: true,
  averagingConstant: true,
};

/** Base of fake quantizers whose observer keeps a range, as part of their own state: `min_val` and `max_val`. */
export abstract class RangeFakeQuantize<
  Observer extends ExtremesObserver = ExtremesObserver,
> extends FakeQuantizeBase<Observer> {
  override get hasObserved(): boolean {
    const minimum = this.state.get('min_val')?.data[0];
    return minimum !== undefined && minimum !== Infinity;
  }

  /** @throws Error when no tensor has been seen. */
  override calculateQparams(): QParams {
    this.requireObserved();
    const [minima, maxima] = ['min_val', 'max_val'].map((name) => this.state.get(name)!.data as Float32Array);
    return this.activationPostProcess.qparamsFor({ minima, maxima });
  }

  protected requireObserved(): void {
    if (!this.hasObserved)
      throw new Error(`${this.constructor.name} has seen no tensor; train the prepared model first`);
  }

  protected override firstState(channels: number): Readonly<Record<string, Tensor>> {
    return {
      min_val: filled(channels, Infinity),
      max_val: filled(channels, -Infinity),
      scale: filled(channels, 1),
      zero_point: Tensor.zeros('int32', [channels]),
    };
  }

  /**
   * The state after the observer has seen the tensor, if it is on. A scale is never below `smallestScale`.
   * @internal
   */
  protected observed<T>({ input, state, operator }: Call<T>, smallestScale: number) {
    const observer = this.activationPostProcess;
    const { averagingConstant, searches } = observer.rangeRule;
    const names = ['min_val', 'max_val', 'scale', 'zero_point'] as const;
    const results = operator('octavo.observe_range.default', [
      input,
      ...['observer_enabled', ...names].map(state),
      ...[averagingConstant, searches, observer.eps, smallestScale],
      ...[observer.quantMin, observer.quantMax, this.chAxis ?? -1, observer.symmetricZeroPoint],
    ]);
    return Object.fromEntries(names.map((name, i) => [name, results[i]])) as Record<
      (typeof names)[number],
      T
    >;
  }
}

/**
 * The observer of a fake quantizer, with its arguments.
 * @param where the fake quantizer, for messages.
 * @throws Error when one of them is unknown, or a graph of training cannot keep what it observes.
 */
export function rangeObserver(
  observer: ObserverOrFakeQuantizeConstructor,
  args: RangeFakeQuantizeArgs,
  where: string,
): ExtremesObserver {
  checkOptions(args, argumentNames, where);
  const made = partialObserver(observer, `${where}: observer`)
    .withArgs({ ...args })
    .create();
  if (!(made instanceof ExtremesObserver))
    throw new Error(
      `${where}: a graph of training keeps a minimum and a maximum, which ${made.constructor.name} does not: use an observer ` +
        'of minimum and maximum, with or without a moving average',
    );
  return made;
}

const filled = (count: number, value: number) =>
  new Tensor('float32', new Float32Array(count).fill(value), [count]);
