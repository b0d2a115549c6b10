import { Tensor } from '../../tensor/index.ts';
import type { QParams } from '../qparams.ts';
import { type ObserverArgs, ObserverBase } from './observer.ts';

/**
 * Keeps a copy of every observed tensor, for debugging (counterpart:
 * `torch.ao.quantization.RecordingObserver`).
 */
export class RecordingObserver extends ObserverBase {
  readonly #recorded: Tensor[] = [];

  constructor(args: ObserverArgs = {}) {
    super(args.dtype ?? 'uint8', args.isDynamic);
  }

  /** The tensors seen so far, in order (`get_tensor_value`). */
  getTensorValue(): readonly Tensor[] {
    return this.#recorded;
  }

  /** @throws Error always: this observer only records tensors. */
  override calculateQparams(): QParams {
    throw new Error('RecordingObserver: calculateQparams must not be called, it only records');
  }

  protected override observe(input: Tensor): void {
    this.#recorded.push(new Tensor(input.dtype, input.data.slice(), input.shape));
  }
}
