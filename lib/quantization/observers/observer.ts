import type { CallableModule } from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { QParams } from '../qparams.ts';
import type { QScheme } from '../qscheme.ts';
import type { SpecDType } from '../quantized-dtype.ts';

/**
 * What stands in a prepared graph where a tensor will be quantized: it lets the tensor through, and says afterwards how
 * to quantize it (counterpart: `ObserverOrFakeQuantize`).
 */
export interface ObserverOrFakeQuantize extends CallableModule {
  readonly dtype: SpecDType;
  readonly qscheme?: QScheme;
  readonly quantMin?: number;
  readonly quantMax?: number;
  /** For per-channel schemes. */
  readonly chAxis?: number;
  /** Smallest scale, for parameters computed when the model runs. */
  readonly eps?: number;
  /** Whether parameters are computed from each tensor when the model runs. */
  readonly isDynamic: boolean;
  /** Whether it has been given a tensor. */
  readonly hasObserved: boolean;
  /**
   * The parameters that fit what it has seen (`calculate_qparams`): one scale and zero point, or one a channel.
   * @throws Error when it cannot say yet, or is never asked.
   */
  calculateQparams(): QParams;
}

/** A class of observers: its constructor takes one object of named arguments. */
export interface ObserverClass<Args = never> {
  new (args: Args): ObserverOrFakeQuantize;
  readonly name: string;
}

/** An observer class with some of its arguments given (counterpart: PyTorch's `with_args`). */
export class PartialObserver {
  readonly observerClass: ObserverClass;
  readonly args: Readonly<Record<string, unknown>>;

  constructor(observerClass: ObserverClass, args: Readonly<Record<string, unknown>>) {
    this.observerClass = observerClass;
    this.args = args;
  }

  /** The same class with more arguments given; later ones win. */
  withArgs(args: Readonly<Record<string, unknown>>): PartialObserver {
    return new PartialObserver(this.observerClass, { ...this.args, ...args });
  }

  /** A new observer. */
  create(): ObserverOrFakeQuantize {
    return new this.observerClass(this.args as never);
  }
}

/** What a specification names: a class, or a class with arguments. */
export type ObserverOrFakeQuantizeConstructor = ObserverClass | PartialObserver;

/** Brings both ways to name an observer to one. */
export function partialObserver(ctr: ObserverOrFakeQuantizeConstructor): PartialObserver {
  return ctr instanceof PartialObserver ? ctr : new PartialObserver(ctr, {});
}

/** Arguments every observer takes. */
export interface ObserverArgs {
  readonly dtype?: SpecDType;
  readonly isDynamic?: boolean;
}

/**
 * Base of observers; one written by a user extends it and implements `observe` and `calculateQparams` (counterpart:
 * `torch.ao.quantization.ObserverBase`).
 */
export abstract class ObserverBase implements ObserverOrFakeQuantize {
  readonly dtype: SpecDType;
  readonly isDynamic: boolean;
  #hasObserved = false;

  constructor(dtype: SpecDType, isDynamic = false) {
    this.dtype = dtype;
    this.isDynamic = isDynamic;
  }

  get hasObserved(): boolean {
    return this.#hasObserved;
  }

  /** Takes a tensor's statistics and gives the tensor back. Tensors without elements are let through. */
  forward(input: Tensor): Tensor {
    if (input.numel > 0) {
      this.observe(input);
      this.#hasObserved = true;
    }
    return input;
  }

  /**
   * The parameters that fit what {@link observe} has seen (`calculate_qparams`).
   * @throws Error when they cannot be told yet, or are never asked for.
   */
  abstract calculateQparams(): QParams;

  /** Takes the statistics of a tensor, which has at least one element. */
  protected abstract observe(input: Tensor): void;

  /** The class with some arguments given: `HistogramObserver.withArgs({ eps: 2 ** -12 })`. */
  static withArgs<Args>(this: ObserverClass<Args>, args: Partial<Args>): PartialObserver {
    // biome-ignore lint/complexity/noThisInStatic: the subclass it is called on is the point.
    return new PartialObserver(this, args);
  }
}
