import { checkOptions, type OptionNames } from '../../options.ts';
import type { Tensor } from '../../tensor/index.ts';
import { FixedQParamsObserver, type FixedQParamsObserverArgs } from '../observers/fixed-qparams.ts';
import {
  type ObserverOrFakeQuantizeConstructor,
  PartialObserver,
  partialObserver,
} from '../observers/observer.ts';
import type { QParams } from '../qparams.ts';
import { affineFakeQuantize, type Call, type Called, FakeQuantizeBase } from './base.ts';

/** Arguments of {@link FixedQParamsFakeQuantize}. */
export interface FixedQParamsFakeQuantizeArgs extends Partial<FixedQParamsObserverArgs> {
  /** `FixedQParamsObserver.withArgs({ scale: 1 / 256, zeroPoint: 0 })`; default: one with the other arguments. */
  readonly observer?: ObserverOrFakeQuantizeConstructor;
}

const argumentNames: OptionNames<Partial<FixedQParamsObserverArgs>> = {
  scale: true,
  zeroPoint: true,
  dtype: true,
  qscheme: true,
  quantMin: true,
  quantMax: true,
};

/**
 * Rounds a tensor whose range is known, such as a sigmoid's, by parameters that do not change (counterpart:
 * `torchao.quantization.pt2e.FixedQParamsFakeQuantize`). `prepareQatPt2e` makes one for every {@link FixedQParamsQuantizationSpec}.
 * @throws Error when an argument is unknown, or the observer is not a {@link FixedQParamsObserver}.
 */
export class FixedQParamsFakeQuantize extends FakeQuantizeBase<FixedQParamsObserver> {
  constructor({ observer = FixedQParamsObserver, ...args }: FixedQParamsFakeQuantizeArgs) {
    const name = 'FixedQParamsFakeQuantize';
    checkOptions(args, argumentNames, name);
    const made = partialObserver(observer, `${name}: observer`).withArgs(args).create();
    if (!(made instanceof FixedQParamsObserver))
      throw new Error(`${name}: the observer must be a FixedQParamsObserver, got ${made.constructor.name}`);
    super(made);
  }

  /** The class with some arguments bound (PyTorch's `with_args`). */
  static withArgs(args: FixedQParamsFakeQuantizeArgs): PartialObserver {
    return new PartialObserver(FixedQParamsFakeQuantize, { ...args });
  }

  /** True: nothing has to be seen. */
  override get hasObserved(): boolean {
    return true;
  }

  override calculateQparams(): QParams {
    return this.activationPostProcess.calculateQparams();
  }

  protected override firstState(): Readonly<Record<string, Tensor>> {
    const { scale, zeroPoint } = this.calculateQparams();
    return { scale, zero_point: zeroPoint };
  }

  protected override call<T>(call: Call<T>): Called<T> {
    const { state } = call;
    return { result: affineFakeQuantize(this, call, state('scale'), state('zero_point')), changed: {} };
  }
}
