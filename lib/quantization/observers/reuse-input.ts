import type { QParams } from '../qparams.ts';
import { ObserverBase } from './observer.ts';

/**
 * Marks the result of an operator that keeps its input's values, such as a reshape: it is quantized by the input's observer, and not at
 * all where the input is not observed (counterpart: `torch.ao.quantization.ReuseInputObserver`). FX graph mode alone knows it.
 */
export class ReuseInputObserver extends ObserverBase {
  constructor() {
    super('uint8');
  }

  /** @throws Error always: the parameters are those of the input's observer. */
  override calculateQparams(): QParams {
    throw new Error(
      "ReuseInputObserver: calculateQparams must not be called, the parameters are those of the input's observer",
    );
  }

  protected override observe(): void {}
}
