import type { Value } from '../../dispatcher.ts';
import type { RecurrentOptions } from '../../functional/index.ts';
import * as float from '../../recurrent.ts';
import type { Owner } from '../from-float.ts';
import { callLayer, quantizedState, quantizedWeights } from './recurrent-weights.ts';

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
    for (const [name, buffer] of quantizedState(module)) quantized.weights.set(name, buffer);
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
    for (const [name, buffer] of quantizedState(module)) quantized.weights.set(name, buffer);
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

const optionsOf = (module: float.LSTM | float.GRU): float.RecurrentNetworkOptions => ({
  numLayers: module.numLayers,
  bias: module.ownParameters.some(([name]) => name.startsWith('bias_')),
  batchFirst: module.batchFirst,
  dropout: module.dropout,
  bidirectional: module.bidirectional,
});
