import type { Tensor } from '../../tensor/index.ts';
import type { QParams } from '../qparams.ts';
import { finiteElements } from './statistics.ts';
import { type UniformObserverArgs, UniformQuantizationObserver } from './uniform-observer.ts';
import { type RealRange, ZeroCentredHistogram } from './zero-centred-histogram.ts';

/** Arguments of observers that choose a range from a histogram. */
export interface RangeObserverArgs extends UniformObserverArgs {
  /** A multiple of 4; default 2048. */
  readonly bins?: number;
}

/** Base of observers that count all values and then choose the range to quantize. Values outside it saturate. */
export abstract class RangeObserver extends UniformQuantizationObserver {
  readonly #histogram: ZeroCentredHistogram;

  constructor(args: RangeObserverArgs) {
    super(args, false);
    const name = this.constructor.name;
    if (this.isDynamic) throw new Error(`${name}: dynamic quantization keeps no histogram`);
    this.#histogram = new ZeroCentredHistogram(args.bins ?? 2048, name);
  }

  /**
   * The range that will be quantized.
   * @throws Error when nothing has been observed.
   */
  searchRange(): RealRange {
    const { range } = this.#histogram;
    this.requireObserved(range.min <= range.max);
    if (this.#histogram.limit === 0) return range;
    const { min, max } = this.chooseRange(this.#histogram);
    return { min: Math.max(min, range.min), max: Math.min(max, range.max) };
  }

  override calculateQparams(): QParams {
    return this.qparamsOfRange(this.searchRange());
  }

  /**
   * Chooses the range by this observer's rule. It is clipped to the observed range. At least one observed value is
   * nonzero.
   * @internal
   */
  protected abstract chooseRange(histogram: ZeroCentredHistogram): RealRange;

  /** @internal */
  protected qparamsOfRange({ min, max }: RealRange): QParams {
    return this.qparamsOf({ minima: Float32Array.of(min), maxima: Float32Array.of(max) });
  }

  protected override observe(input: Tensor): void {
    const finite = finiteElements(input, this);
    if (finite) this.#histogram.add(finite.data, finite);
  }
}
