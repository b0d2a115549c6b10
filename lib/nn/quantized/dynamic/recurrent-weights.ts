import { callOperatorForMany, type Value } from '../../dispatcher.ts';
import type { RecurrentOptions } from '../../functional/index.ts';
import { Buffer } from '../../module.ts';
import { type Owner, quantizeWeight, weightObserver } from '../from-float.ts';

/** Kinds of weights in the order of the operators' arguments. */
export const quantizedWeights = ['weight_ih', 'scale_ih', 'weight_hh', 'scale_hh', 'bias_ih', 'bias_hh'];

/**
 * A recurrent module's weights in int8, with their scales behind them, and its biases.
 * @throws Error for other weights than int8 with one scale.
 */
export function quantizedState(module: Owner): ReadonlyMap<string, Buffer> {
  const state = new Map<string, Buffer>();
  for (const [name, { tensor }] of module.ownParameters) {
    if (name.startsWith('bias_')) {
      state.set(name, new Buffer(tensor));
      continue;
    }
    const { integers, scale, zeroPoint, axis } = quantizeWeight(tensor, weightObserver(module), module.type);
    if (axis !== null || Number(zeroPoint.item()) !== 0)
      throw new Error(`${module.type}: weights of recurrent layers have one scale each, and no zero point`);
    state.set(name, new Buffer(integers)).set(name.replace('weight_', 'scale_'), new Buffer(scale));
  }
  return state;
}

/** One layer in one direction. */
export function callLayer(
  name: string,
  args: readonly (Value | null)[],
  { reverse = false, batchFirst = false }: RecurrentOptions,
): readonly Value[] {
  return callOperatorForMany({
    target: `octavo.${name}_layer.dynamic`,
    args: [...args, null, reverse, batchFirst],
    source: `torch.quantized_${name}`,
  });
}
