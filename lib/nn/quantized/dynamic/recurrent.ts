import { callOperatorForMany, type Value } from '../../dispatcher.ts';
import type { RecurrentOptions } from '../../functional/index.ts';
import { Buffer, type Parameter } from '../../module.ts';
import * as float from '../../recurrent.ts';
import { type Owner, quantizeWeight, weightObserver } from '../from-float.ts';

/**
 * LSTM layers with int8 weights, one scale each; inputs and states are rounded to 7 bits by their own ranges (counterpart:
 * `torch.ao.nn.quantized.dynamic.LSTM`).
 */
export class LSTM extends float.LSTM {
  /** @throws Error without a `qconfig`, for other weights than int8 with one scale, or states that are projected. */
  static fromFloat(module: float.LSTM & Owner): LSTM {
    if (module.projSize > 0)
      throw new Error(
        `${module.type}: an LSTM whose states are projected is not quantized; set its qconfig to null`,
      );
    const quantized = new LSTM(module.inputSize, module.hiddenSize, optionsOf(module));
    quantizeInto(quantized.weights, module);
    return quantized;
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.dynamic.modules.rnn.LSTM';
  }

  protected override layer(
    x: Value,
    end: string,
    [state, cell]: readonly (Value | null)[],
    options: RecurrentOptions,
  ): readonly Value[] {
    const weights = quantizedWeights.map((kind) => this.weight(kind, end));
    return callLayer('lstm', [x, ...weights, state, cell], options);
  }
}

/** The same with gated recurrent units (counterpart: `torch.ao.nn.quantized.dynamic.GRU`). */
export class GRU extends float.GRU {
  /** @throws Error as {@link LSTM.fromFloat} does. */
  static fromFloat(module: float.GRU & Owner): GRU {
    const quantized = new GRU(module.inputSize, module.hiddenSize, optionsOf(module));
    quantizeInto(quantized.weights, module);
    return quantized;
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.dynamic.modules.rnn.GRU';
  }

  protected override layer(
    x: Value,
    end: string,
    [state]: readonly (Value | null)[],
    options: RecurrentOptions,
  ): readonly Value[] {
    const weights = quantizedWeights.map((kind) => this.weight(kind, end));
    return callLayer('gru', [x, ...weights, state], options);
  }
}

/** In the order of the operators' arguments. */
const quantizedWeights = ['weight_ih', 'scale_ih', 'weight_hh', 'scale_hh', 'bias_ih', 'bias_hh'];

const optionsOf = (module: float.LSTM | float.GRU): float.RecurrentNetworkOptions => ({
  numLayers: module.numLayers,
  bias: module.ownParameters.some(([name]) => name.startsWith('bias_')),
  batchFirst: module.batchFirst,
  dropout: module.dropout,
  bidirectional: module.bidirectional,
});

function quantizeInto(
  weights: Map<string, Parameter | Buffer>,
  module: (float.LSTM | float.GRU) & Owner,
): void {
  for (const [name, { tensor }] of module.ownParameters) {
    if (name.startsWith('bias_')) {
      weights.set(name, new Buffer(tensor));
      continue;
    }
    const { integers, scale, zeroPoint, axis } = quantizeWeight(tensor, weightObserver(module), module.type);
    if (axis !== null || Number(zeroPoint.item()) !== 0)
      throw new Error(`${module.type}: weights of recurrent layers have one scale each, and no zero point`);
    weights.set(name, new Buffer(integers));
    weights.set(name.replace('weight_', 'scale_'), new Buffer(scale));
  }
}

function callLayer(
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
