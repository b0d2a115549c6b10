import { MovingAverageMinMaxObserver } from '../observers/min-max.ts';
import { type ObserverOrFakeQuantizeConstructor, PartialObserver } from '../observers/observer.ts';
import { affineFakeQuantize, type Call, type Called } from './base.ts';
import { RangeFakeQuantize, type RangeFakeQuantizeArgs, rangeObserver } from './with-range.ts';

/** Arguments of {@link FakeQuantize}. */
export interface FakeQuantizeArgs extends RangeFakeQuantizeArgs {
  /** Default: {@link MovingAverageMinMaxObserver}. */
  readonly observer?: ObserverOrFakeQuantizeConstructor;
}

/**
 * Rounds a tensor to the integers that it will have, by the parameters that its observer calculates: in training they are those of the
 * converted model, down to the smallest scale (counterpart: `torchao.quantization.pt2e.FakeQuantize`).
 *
 *     FakeQuantize.withArgs({ observer: PerChannelMinMaxObserver, eps: 2 ** -12 })
 *
 * The observer keeps a range per tensor or per channel, with or without a moving average. A dynamic one takes each tensor's own range, as
 * the converted model does when it runs, there with float32's epsilon as the smallest scale, as PyTorch has it. A range that has seen
 * nothing takes its first tensor even if the observer is switched off.
 * @throws Error when an argument is unknown, or a graph cannot keep what the observer keeps: a histogram.
 */
export class FakeQuantize extends RangeFakeQuantize {
  constructor({ observer = MovingAverageMinMaxObserver, ...args }: FakeQuantizeArgs = {}) {
    super(rangeObserver(observer, args, 'FakeQuantize'));
  }

  /** The class with some arguments bound (PyTorch's `with_args`). */
  static withArgs(args: FakeQuantizeArgs): PartialObserver {
    return new PartialObserver(FakeQuantize, { ...args });
  }

  protected override call<T>(call: Call<T>): Called<T> {
    const changed = this.observed(call, 0);
    const result = affineFakeQuantize(this, call, changed.scale, changed.zero_point);
    return { result, changed };
  }
}
