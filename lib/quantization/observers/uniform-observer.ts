import { FLOAT32_EPSILON } from '../../tensor/index.ts';
import { calculateQparams, type QParams, type QParamsRule, symmetricZeroPoint } from '../qparams.ts';
import { isPerChannel, isSymmetric, type QScheme } from '../qscheme.ts';
import {
  checkQuantRange,
  fullRangeOf,
  isQuantizedDType,
  type QuantizedDType,
  type QuantRange,
} from '../quantized-dtype.ts';
import { type ObserverArgs, ObserverBase } from './observer.ts';
import type { Extremes } from './statistics.ts';

/** Arguments of observers that derive parameters from a range. */
export interface UniformObserverArgs extends ObserverArgs {
  /** Default `uint8`. */
  readonly dtype?: QuantizedDType;
  readonly qscheme?: QScheme;
  /** Halves the quantized range, for CPUs whose int8 dot products saturate in 16 bits. */
  readonly reduceRange?: boolean;
  readonly quantMin?: number;
  readonly quantMax?: number;
  /** Smallest scale; default is float32's epsilon. */
  readonly eps?: number;
}

/**
 * Base of observers that quantize uniformly (counterpart: `UniformQuantizationObserverBase`).
 * @throws Error when the dtype is not an integer type, the range does not fit it or does not contain zero, the class
 * does not support the scheme, or the smallest scale is not positive.
 */
export abstract class UniformQuantizationObserver extends ObserverBase {
  declare readonly dtype: QuantizedDType;
  readonly qscheme: QScheme;
  readonly reduceRange: boolean;
  readonly quantMin: number;
  readonly quantMax: number;
  readonly eps: number;
  readonly #hasCustomizedQRange: boolean;

  constructor(args: UniformObserverArgs, perChannel: boolean) {
    const { dtype = 'uint8', reduceRange = false, quantMin, quantMax, eps = FLOAT32_EPSILON } = args;
    super(dtype, args.isDynamic);
    const name = this.constructor.name;
    this.qscheme = args.qscheme ?? (perChannel ? 'per_channel_affine' : 'per_tensor_affine');
    if (isPerChannel(this.qscheme) !== perChannel)
      throw new Error(
        `${name}: qscheme must be ${perChannel ? 'per channel' : 'per tensor'}, got ${this.qscheme}`,
      );
    if (!isQuantizedDType(dtype)) throw new Error(`${name}: dtype ${dtype} is not an integer type`);
    checkQuantRange(dtype, quantMin, quantMax, name);
    this.#hasCustomizedQRange = quantMin !== undefined && quantMax !== undefined;
    if (
      quantMin !== undefined &&
      quantMax !== undefined &&
      (quantMin > 0 || quantMax < 0 || quantMin === quantMax)
    )
      throw new Error(`${name}: the range [${quantMin}, ${quantMax}] must hold zero and another value`);
    const full = fullRangeOf(dtype);
    const range = { quantMin: quantMin ?? full.quantMin, quantMax: quantMax ?? full.quantMax };
    this.reduceRange = reduceRange;
    ({ quantMin: this.quantMin, quantMax: this.quantMax } = reduceRange ? halved(range) : range);
    if (!(eps > 0 && Number.isFinite(eps)))
      throw new Error(`${name}: eps, the smallest scale, must be a positive number, got ${eps}`);
    this.eps = eps;
  }

  /** The zero point where the scheme is symmetric, null where the range decides it. */
  get symmetricZeroPoint(): number | null {
    return isSymmetric(this.qscheme) ? symmetricZeroPoint(this.#rule) : null;
  }

  /**
   * Parameters for a range, by this observer's rules.
   * @internal
   */
  protected qparamsOf({ minima, maxima }: Extremes): QParams {
    return calculateQparams(minima, maxima, this.#rule);
  }

  get #rule(): QParamsRule {
    const { dtype, qscheme, eps, quantMin, quantMax } = this;
    return { dtype, qscheme, eps, quantMin, quantMax, hasCustomizedQRange: this.#hasCustomizedQRange };
  }

  /** @throws Error when nothing has been observed from which parameters could be calculated. */
  protected requireObserved(isKnown = this.hasObserved): void {
    if (isKnown) return;
    throw new Error(
      this.hasObserved
        ? `${this.constructor.name} has seen nothing but infinite values`
        : `${this.constructor.name} has seen no tensor; run calibrate on the prepared model first, or in eager mode call it with representative inputs`,
    );
  }
}

function halved({ quantMin, quantMax }: QuantRange): QuantRange {
  return { quantMin: Math.floor(quantMin / 2), quantMax: Math.floor(quantMax / 2) };
}
