import { inspect } from 'node:util';
import type { CallableModule } from '../../graph/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { QParams } from '../qparams.ts';
import type { QScheme } from '../qscheme.ts';
import type { SpecDType } from '../quantized-dtype.ts';

/**
 * Marks, in a prepared graph, a tensor that will be quantized. It passes the tensor through, and later determines how
 * to quantize it (counterpart: `ObserverOrFakeQuantize`).
 */
export interface ObserverOrFakeQuantize extends CallableModule {
  readonly dtype: SpecDType;
  readonly qscheme?: QScheme;
  readonly quantMin?: number;
  readonly quantMax?: number;
  /** The channel axis of per-channel schemes. */
  readonly chAxis?: number;
  /** Smallest scale of parameters that are computed when the model runs. */
  readonly eps?: number;
  /** Whether parameters are computed from each tensor when the model runs. */
  readonly isDynamic: boolean;
  /** Whether it has observed a tensor. */
  readonly hasObserved: boolean;
  /**
   * The parameters that fit the observed tensors (`calculate_qparams`): one scale and zero point, or one per channel.
   * @throws Error when nothing has been observed, or when this kind of observer has no parameters.
   */
  calculateQparams(): QParams;
}

/** A class of observers. Its constructor has one parameter: an object of named arguments. */
export interface ObserverClass<Args = never> {
  new (args: Args): ObserverOrFakeQuantize;
  readonly name: string;
}

/** An observer class with some of its arguments bound (counterpart: PyTorch's `with_args`). */
export class PartialObserver {
  readonly observerClass: ObserverClass;
  readonly args: Readonly<Record<string, unknown>>;

  constructor(observerClass: ObserverClass, args: Readonly<Record<string, unknown>>) {
    this.observerClass = observerClass;
    this.args = args;
  }

  /** The same class with more arguments bound; later ones win. */
  withArgs(args: Readonly<Record<string, unknown>>): PartialObserver {
    return new PartialObserver(this.observerClass, { ...this.args, ...args });
  }

  /** A new observer. */
  create(): ObserverOrFakeQuantize {
    return new this.observerClass(this.args as never);
  }
}

/** An observer in a specification: a class, or a class with bound arguments. */
export type ObserverOrFakeQuantizeConstructor = ObserverClass | PartialObserver;

/**
 * Converts a class without arguments to a {@link PartialObserver}.
 * @param what the argument that gave it, for messages.
 * @throws Error when it is neither a class nor one with bound arguments.
 */
export function partialObserver(ctr: ObserverOrFakeQuantizeConstructor, what: string): PartialObserver {
  if (typeof ctr === 'function') return new PartialObserver(ctr, {});
  const partial: Partial<PartialObserver> | undefined | null = ctr;
  if (typeof partial?.create === 'function') return ctr;
  throw new Error(`${what} must be an observer class, or one with bound arguments; got ${inspect(ctr)}`);
}

/** Arguments of every observer. */
export interface ObserverArgs {
  readonly dtype?: SpecDType;
  readonly isDynamic?: boolean;
}

/**
 * Base of observers. To write one, extend it and implement `observe` and `calculateQparams` (counterpart:
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

  /** Observes a tensor and returns it unchanged. Tensors without elements are not observed. */
  forward(input: Tensor): Tensor {
    if (input.numel > 0) {
      this.observe(input);
      this.#hasObserved = true;
    }
    return input;
  }

  /**
   * The parameters that fit the tensors {@link observe} has received (`calculate_qparams`).
   * @throws Error when nothing has been observed, or when this kind of observer has no parameters.
   */
  abstract calculateQparams(): QParams;

  /** Updates the statistics with a tensor, which has at least one element. */
  protected abstract observe(input: Tensor): void;

  /** The class with some arguments bound: `HistogramObserver.withArgs({ eps: 2 ** -12 })`. */
  static withArgs<Args>(this: ObserverClass<Args>, args: Partial<Args>): PartialObserver {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the subclass on which it is called.
    return new PartialObserver(this, args);
  }
}
