import type { Node, StatefulModule } from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { QParams } from '../qparams.ts';
import { isPerChannel, type QScheme } from '../qscheme.ts';
import type { SpecDType } from '../quantized-dtype.ts';
import { ObserverBase, type ObserverOrFakeQuantize } from './observer.ts';

/** Computes parameters from those of other observers: a bias's scale from input and weight scales. */
export type DeriveQparams = (observers: readonly ObserverOrFakeQuantize[]) => QParams;

/** Arguments of {@link DerivedObserver}. */
export interface DerivedObserverArgs {
  readonly dtype: SpecDType;
  readonly observers: readonly ObserverOrFakeQuantize[];
  readonly deriveQparams: DeriveQparams;
  readonly quantMin?: number;
  readonly quantMax?: number;
  readonly qscheme?: QScheme;
  readonly chAxis?: number;
}

/**
 * Observes nothing; derives its parameters from other observers (counterpart: `_DerivedObserverOrFakeQuantize`). Like PyTorch's it lets
 * tensors through in training, too: a bias in the steps of its products is nearly exact.
 */
export class DerivedObserver extends ObserverBase implements StatefulModule {
  /** Empty: all it knows are other observers'. */
  readonly state: ReadonlyMap<string, Tensor> = new Map();
  declare readonly quantMin?: number;
  declare readonly quantMax?: number;
  declare readonly qscheme?: QScheme;
  declare readonly chAxis?: number;
  readonly observers: readonly ObserverOrFakeQuantize[];
  readonly #derive: DeriveQparams;

  constructor(args: DerivedObserverArgs) {
    super(args.dtype);
    if (args.qscheme && isPerChannel(args.qscheme) && args.chAxis === undefined)
      throw new Error(`DerivedObserver: ${args.qscheme} needs a chAxis`);
    if (args.quantMin !== undefined) this.quantMin = args.quantMin;
    if (args.quantMax !== undefined) this.quantMax = args.quantMax;
    if (args.qscheme !== undefined) this.qscheme = args.qscheme;
    if (args.chAxis !== undefined) this.chAxis = args.chAxis;
    this.observers = args.observers;
    this.#derive = args.deriveQparams;
  }

  override calculateQparams(): QParams {
    return this.#derive(this.observers);
  }

  stateFor(): ReadonlyMap<string, Tensor> {
    return this.state;
  }

  setState(name: string): never {
    throw new Error(`DerivedObserver: there is no state '${name}'`);
  }

  emit(input: Node) {
    return { result: input, state: new Map<string, Node>() };
  }

  protected override observe(): void {}
}
