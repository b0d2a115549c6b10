import { FLOAT32_EPSILON, roundHalfToEven, Tensor } from '../../tensor/index.ts';
import { type ObserverOrFakeQuantizeConstructor, PartialObserver } from '../observers/observer.ts';
import type { QParams } from '../qparams.ts';
import { isSymmetric } from '../qscheme.ts';
import type { Call, Called } from './base.ts';
import { RangeFakeQuantize, type RangeFakeQuantizeArgs, rangeObserver } from './with-range.ts';

/** Arguments of {@link LearnableFakeQuantize}. */
export interface LearnableFakeQuantizeArgs extends RangeFakeQuantizeArgs {
  /** What the first scale and zero point come from. */
  readonly observer: ObserverOrFakeQuantizeConstructor;
  /**
   * Multiplies the gradients of scale and zero point with 1 / sqrt(elements · quantMax), so that they move at a pace that does not
   * depend on the tensor's size; default false, as in PyTorch.
   */
  readonly useGradScaling?: boolean;
}

/**
 * Rounds a tensor to the integers that it will have, by a scale and a zero point that the optimizer trains with the model: learned step
 * sizes, LSQ and LSQ+ (counterpart: `torchao.quantization.pt2e.learnable_fake_quantize.LearnableFakeQuantize`). They pay at 4 bits and
 * below, where a range from minimum to maximum is too wide.
 *
 *     LearnableFakeQuantize.withArgs({ observer: MovingAveragePerChannelMinMaxObserver, useGradScaling: true })
 *
 * It begins as PyTorch's: the observer decides scale and zero point of every tensor, and nothing is learned. With
 * {@link rangeLearningEnabled} the observer is asked once, for the first tensor; from then on both are parameters, `scale` [channels] and
 * `zero_point` [channels], float32. Under symmetric schemes the zero point stays 0. A scale that an update has made smaller than float32's
 * epsilon counts as epsilon, in training and afterwards.
 * @throws Error when an argument is unknown, a graph cannot keep what the observer keeps, when it is dynamic, or the range does not suit the scheme.
 */
export class LearnableFakeQuantize extends RangeFakeQuantize {
  readonly useGradScaling: boolean;

  constructor({ observer, useGradScaling = false, ...args }: LearnableFakeQuantizeArgs) {
    const name = 'LearnableFakeQuantize';
    const made = rangeObserver(observer, args, name);
    const { quantMin, quantMax, qscheme } = made;
    if (made.isDynamic) throw new Error(`${name}: parameters that are chosen at run time are not learned`);
    if (isSymmetric(qscheme) && quantMin >= 0)
      throw new Error(
        `${name}: the zero point of ${qscheme} is 0, but the range [${quantMin}, ${quantMax}] has no negative integers; use int8`,
      );
    if (useGradScaling && quantMax <= 0)
      throw new Error(`${name}: useGradScaling divides by the root of quantMax, which is ${quantMax}`);
    super(made);
    this.useGradScaling = useGradScaling;
  }

  /** The class with some arguments bound (PyTorch's `with_args`). */
  static withArgs(args: LearnableFakeQuantizeArgs): PartialObserver {
    return new PartialObserver(LearnableFakeQuantize, { ...args });
  }

  /** Names of the state that the optimizer trains. */
  get parameters(): readonly string[] {
    return isSymmetric(this.qscheme) ? ['scale'] : ['scale', 'zero_point'];
  }

  /** They have no gradient where nothing is learned, and none where nothing is rounded: then not even weight decay changes them. */
  get parameterSwitches(): readonly string[] {
    return ['learning_enabled', 'fake_quant_enabled'];
  }

  override get observerEnabled(): boolean {
    return super.observerEnabled;
  }

  /** An observer decides what would else be learned: switching it on ends learning. */
  override set observerEnabled(enabled: boolean) {
    super.observerEnabled = enabled;
    if (enabled) this.rangeLearningEnabled = false;
  }

  /** Whether scale and zero point are learned (`enable_range_learning`, `disable_range_learning`); switches the observer off. */
  get rangeLearningEnabled(): boolean {
    return this.isOn('learning_enabled');
  }

  set rangeLearningEnabled(enabled: boolean) {
    this.switch('learning_enabled', enabled);
    if (enabled) this.observerEnabled = false;
  }

  /**
   * The scale that was learned, at least float32's epsilon, and the integer nearest to the zero point.
   * @throws Error when no tensor has been seen, or training has made one of them NaN, or a scale smaller than epsilon that was larger:
   * what it rounds is then 0 or clamped.
   */
  override calculateQparams(): QParams {
    this.requireObserved();
    const { quantMin, quantMax } = this;
    const [scale, zeroPoint] = ['scale', 'zero_point'].map(
      (name) => this.state.get(name)!.data as Float32Array,
    );
    if ([...scale, ...zeroPoint].some(Number.isNaN))
      throw new Error(
        'LearnableFakeQuantize: a learned scale or zero point is NaN; a smaller learning rate may help',
      );
    this.#refuseCollapsed(scale);
    const whole = [...zeroPoint].map((each) => Math.min(Math.max(roundHalfToEven(each), quantMin), quantMax));
    const positive = scale.map((each) => Math.max(each, FLOAT32_EPSILON));
    return {
      scale: new Tensor('float32', positive, [scale.length]),
      zeroPoint: Tensor.from('int64', whole),
    };
  }

  /** A scale may have been as small from the beginning, where all that was seen is 0: that rounds well. */
  #refuseCollapsed(scale: Float32Array): void {
    const first = super.calculateQparams().scale.data as Float32Array;
    const channel = scale.findIndex((each, i) => each < FLOAT32_EPSILON && first[i] > FLOAT32_EPSILON);
    if (channel < 0) return;
    const which = this.chAxis === undefined ? 'the learned scale' : `the learned scale of channel ${channel}`;
    throw new Error(
      `LearnableFakeQuantize: training has made ${which} ${scale[channel]}, which is no step to round to; ` +
        'scales need a smaller learning rate (a group of the optimizer)',
    );
  }

  protected override firstState(channels: number): Readonly<Record<string, Tensor>> {
    return { ...super.firstState(channels), zero_point: Tensor.zeros('float32', [channels]) };
  }

  protected override call<T>(call: Call<T>): Called<T> {
    const { input, shape, state, operator } = call;
    const { quantMin, quantMax } = this;
    const changed = this.observed(call, FLOAT32_EPSILON);
    const elements = shape.reduce((a, b) => a * b, 1);
    const [result] = operator('octavo.learnable_fake_quantize.default', [
      ...[input, changed.scale, changed.zero_point, state('fake_quant_enabled'), state('learning_enabled')],
      ...[quantMin, quantMax, this.chAxis ?? -1],
      this.useGradScaling ? 1 / Math.sqrt(elements * quantMax) : 1,
    ]);
    return { result, changed };
  }
}
