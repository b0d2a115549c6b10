import { Tensor } from '../../tensor/index.ts';
import { MovingAverageMinMaxObserver } from '../observers/min-max.ts';
import { type ObserverOrFakeQuantizeConstructor, PartialObserver } from '../observers/observer.ts';
import { MovingAveragePerChannelMinMaxObserver } from '../observers/per-channel-min-max.ts';
import type { QParams } from '../qparams.ts';
import { isSymmetric } from '../qscheme.ts';
import { checkRecipe, DEFAULT_RECIPE, type Recipe } from '../recipe.ts';
import type { Call, Called } from './base.ts';
import { RangeFakeQuantize, type RangeFakeQuantizeArgs, rangeObserver } from './with-range.ts';

/** Arguments of {@link FusedMovingAvgObsFakeQuantize}. */
export interface FusedMovingAverageArgs extends RangeFakeQuantizeArgs {
  /** Default: {@link MovingAverageMinMaxObserver}. */
  readonly observer?: ObserverOrFakeQuantizeConstructor;
  /** Which PT2E to follow in `convertPt2e`; default `torchao`. */
  readonly recipe?: Recipe;
}

/**
 * Marks a tensor that will be quantized, keeps the moving average of its range, and rounds it to the integers that it will have
 * (counterpart: `torchao.quantization.pt2e.FusedMovingAvgObsFakeQuantize`).
 *
 *     FusedMovingAvgObsFakeQuantize.withArgs({ observer: MovingAveragePerChannelMinMaxObserver })
 *
 * Scales are those of PyTorch's kernel: with a symmetric scheme that which represents minimum and maximum both, at least 6.1e-5 whatever
 * `eps` says. `convertPt2e` takes them as they are, so that the int8 weights are those that were trained. PyTorch instead computes new ones
 * from the range, as its observers do: half a step wider or narrower, which costs points of accuracy where weights have 4 bits. So does the
 * recipe `pytorch-2.6`.
 * @throws Error when an argument is unknown, or the observer is not one with a moving average of minimum and maximum, or is dynamic.
 */
export class FusedMovingAvgObsFakeQuantize extends RangeFakeQuantize<
  MovingAverageMinMaxObserver | MovingAveragePerChannelMinMaxObserver
> {
  readonly #recipe: Recipe;

  constructor({
    observer = MovingAverageMinMaxObserver,
    recipe = DEFAULT_RECIPE,
    ...args
  }: FusedMovingAverageArgs = {}) {
    const name = 'FusedMovingAvgObsFakeQuantize';
    checkRecipe(recipe, name);
    const made = rangeObserver(observer, args, name);
    const isKnown =
      made instanceof MovingAverageMinMaxObserver || made instanceof MovingAveragePerChannelMinMaxObserver;
    if (!isKnown || made.rangeRule.searches)
      throw new Error(
        `${name}: the observer must keep a moving average of minimum and maximum, got ${made.constructor.name}`,
      );
    if (made.isDynamic) throw new Error(`${name}: parameters that are chosen at run time have no average`);
    super(made);
    this.#recipe = recipe;
  }

  /** The class with some arguments bound (PyTorch's `with_args`). */
  static withArgs(args: FusedMovingAverageArgs): PartialObserver {
    return new PartialObserver(FusedMovingAvgObsFakeQuantize, { ...args });
  }

  /** @throws Error when no tensor has been seen. */
  override calculateQparams(): QParams {
    if (this.#recipe === 'pytorch-2.6') return super.calculateQparams();
    this.requireObserved();
    const zeroPoint = Tensor.from('int64', this.state.get('zero_point')!.toArray().map(Number));
    return { scale: this.state.get('scale')!, zeroPoint };
  }

  protected override call<T>({ input, state, operator }: Call<T>): Called<T> {
    const { averagingConstant, quantMin, quantMax, qscheme } = this.activationPostProcess;
    const names = ['min_val', 'max_val', 'scale', 'zero_point'];
    const [result, ...updated] = operator('octavo.fake_quantize.default', [
      input,
      ...['observer_enabled', 'fake_quant_enabled', ...names].map(state),
      ...[averagingConstant, quantMin, quantMax, this.chAxis ?? -1, isSymmetric(qscheme)],
    ]);
    return { result, changed: Object.fromEntries(names.map((name, i) => [name, updated[i]])) };
  }
}
