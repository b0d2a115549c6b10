import type { ActivationPostProcess, Module, Parameter } from '../module.ts';

/** A layer's parameters. */
export interface Trainable {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
}

/**
 * A new fake quantizer for a module's weight, by its configuration.
 * @throws Error when it has none.
 */
export function newFakeQuantize(owner: Module): ActivationPostProcess {
  if (!owner.qconfig) throw new Error(`${owner.type} has no qconfig, which says how its weight is quantized`);
  return owner.qconfig.weight.create();
}
