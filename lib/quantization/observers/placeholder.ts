import type { QParams } from '../qparams.ts';
import type { QScheme } from '../qscheme.ts';
import { type ObserverArgs, ObserverBase } from './observer.ts';

/** Arguments of {@link PlaceholderObserver}. */
export interface PlaceholderObserverArgs extends ObserverArgs {
  readonly qscheme?: QScheme;
  readonly quantMin?: number;
  readonly quantMax?: number;
  readonly eps?: number;
}

/**
 * Observes nothing. It marks a tensor whose parameters are computed at run time (`isDynamic`), or that is only
 * converted to another floating point type (counterpart: `torch.ao.quantization.PlaceholderObserver`).
 */
export class PlaceholderObserver extends ObserverBase {
  readonly qscheme: QScheme;
  declare readonly quantMin?: number;
  declare readonly quantMax?: number;
  readonly eps: number;

  constructor(args: PlaceholderObserverArgs = {}) {
    super(args.dtype ?? 'float32', args.isDynamic);
    this.qscheme = args.qscheme ?? 'per_tensor_affine';
    if (args.quantMin !== undefined) this.quantMin = args.quantMin;
    if (args.quantMax !== undefined) this.quantMax = args.quantMax;
    this.eps = args.eps ?? 2 ** -23;
  }

  /** @throws Error always: nothing was observed. */
  override calculateQparams(): QParams {
    throw new Error('PlaceholderObserver: calculateQparams must not be called, it observes nothing');
  }

  protected override observe(): void {}
}
