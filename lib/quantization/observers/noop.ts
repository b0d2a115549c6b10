import type { QParams } from '../qparams.ts';
import { type ObserverArgs, ObserverBase } from './observer.ts';

/**
 * Observes nothing; it only stores a dtype, float16 by default, for tensors that are converted instead of quantized
 * (counterpart: `torch.ao.quantization.NoopObserver`).
 */
export class NoopObserver extends ObserverBase {
  constructor(args: ObserverArgs = {}) {
    super(args.dtype ?? 'float16', args.isDynamic);
  }

  /** @throws Error always: nothing was observed. */
  override calculateQparams(): QParams {
    throw new Error('NoopObserver: calculateQparams must not be called, it observes nothing');
  }

  protected override observe(): void {}
}
