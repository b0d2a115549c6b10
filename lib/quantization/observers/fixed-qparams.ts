import { Tensor } from '../../tensor/index.ts';
import type { QParams } from '../qparams.ts';
import type { QScheme } from '../qscheme.ts';
import type { QuantizedDType } from '../quantized-dtype.ts';
import { ObserverBase } from './observer.ts';

/** Arguments of {@link FixedQParamsObserver}. */
export interface FixedQParamsObserverArgs {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly dtype?: QuantizedDType;
  readonly qscheme?: QScheme;
  readonly quantMin?: number;
  readonly quantMax?: number;
}

/**
 * Always returns the same parameters, regardless of what it observes. For values of a known range, such as a sigmoid's
 * (counterpart: `torch.ao.quantization.FixedQParamsObserver`).
 * @throws Error when the scale is not positive and finite, or the zero point is not a whole number.
 */
export class FixedQParamsObserver extends ObserverBase {
  declare readonly dtype: QuantizedDType;
  readonly qscheme: QScheme;
  readonly quantMin: number;
  readonly quantMax: number;
  readonly #qparams: QParams;

  constructor(args: FixedQParamsObserverArgs) {
    super(args.dtype ?? 'uint8');
    if (!(args.scale > 0 && Number.isFinite(args.scale)) || !Number.isInteger(args.zeroPoint))
      throw new Error(
        `FixedQParamsObserver: scale must be positive and zeroPoint a whole number, got ${args.scale} and ${args.zeroPoint}`,
      );
    this.qscheme = args.qscheme ?? 'per_tensor_affine';
    this.quantMin = args.quantMin ?? 0;
    this.quantMax = args.quantMax ?? 255;
    this.#qparams = {
      scale: Tensor.from('float32', [args.scale]),
      zeroPoint: Tensor.from('int32', [args.zeroPoint]),
    };
  }

  override calculateQparams(): QParams {
    return this.#qparams;
  }

  protected override observe(): void {}
}
