import { inspect, isDeepStrictEqual } from 'node:util';
import {
  type ObserverOrFakeQuantizeConstructor,
  type PartialObserver,
  partialObserver,
} from '../observers/index.ts';

/** Arguments of {@link QConfig}. */
export interface QConfigArgs {
  /** Of inputs and results. */
  readonly activation: ObserverOrFakeQuantizeConstructor;
  readonly weight: ObserverOrFakeQuantizeConstructor;
}

/**
 * How a layer, or a part of a model, is quantized: what observes its activations, and what its weights (counterpart:
 * `torch.ao.quantization.QConfig`). Both are classes, or classes with bound arguments, of which every place gets an instance of its own.
 *
 * @example
 * const qconfig = new QConfig({
 *   activation: MinMaxObserver.withArgs({ quantMin: 0, quantMax: 127 }),
 *   weight: PerChannelMinMaxObserver.withArgs({ dtype: 'int8', qscheme: 'per_channel_symmetric' }),
 * });
 */
export class QConfig {
  readonly activation: PartialObserver;
  readonly weight: PartialObserver;

  /** @throws Error when either is an instance, or no observer at all. */
  constructor({ activation, weight }: QConfigArgs) {
    this.activation = constructorOf(activation, 'activation');
    this.weight = constructorOf(weight, 'weight');
  }
}

/** One observer for many places would mix what they see. */
function constructorOf(given: ObserverOrFakeQuantizeConstructor, what: string): PartialObserver {
  if (typeof (given as { readonly forward?: unknown } | null)?.forward === 'function')
    throw new Error(
      `QConfig: ${what} is an observer, of which every place needs its own; give its class, or MyObserver.withArgs({ … }): ` +
        inspect(given, { depth: 0 }),
    );
  return partialObserver(given, `QConfig: ${what}`);
}

/** Whether two configurations make the same observers with the same arguments (counterpart: `qconfig_equals`). */
export function qconfigEquals(a: QConfig | null, b: QConfig | null): boolean {
  if (a === null || b === null) return a === b;
  return observesAlike(a.activation, b.activation) && observesAlike(a.weight, b.weight);
}

function observesAlike(a: PartialObserver, b: PartialObserver): boolean {
  return a.observerClass === b.observerClass && isDeepStrictEqual(a.args, b.args);
}
