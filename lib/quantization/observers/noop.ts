import type { QParams } from '../qparams.ts';
import { type ObserverArgs, ObserverBase } from './observer.ts';

/**
 * Observes nothing and only carries a dtype, float16 unless told otherwise: for tensors that are converted, not
 * quantized (counterpart: `torch.ao.quantization.NoopObserver`).
 */
export class NoopObserver extends ObserverBase {
  constructor(args: ObserverArgs = {}) {
    super(args.dtype ?? 'float16', args.isDynamic);
  }

  /** @throws Error always: there is nothing to calculate from. */
  override calculateQparams(): QParams {
    throw new Error('NoopObserver: calculateQparams must not be called, it observes nothing');
  }

  protected override observe(): void {}
}
