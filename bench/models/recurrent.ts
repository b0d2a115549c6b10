import { GRU, LSTM, Module, type Value } from '../../lib/nn/index.ts';

/** Steps of a sequence. */
const steps = 128;

/** A recurrent network's states of all steps, which are all that is wanted of it. */
class States extends Module {
  readonly network: LSTM | GRU;

  constructor(network: LSTM | GRU) {
    super();
    this.network = network;
  }

  forward(x: Value): Value {
    return this.network.call(x)[0];
  }
}

/** Recurrent networks for sequences [n, 128, in], with weights as PyTorch begins with them. */
export const recurrentModels = {
  lstm_2x512: {
    inputShape: [steps, 512],
    build: () => new States(new LSTM(512, 512, { numLayers: 2, batchFirst: true })),
  },
  gru_1x256: {
    inputShape: [steps, 256],
    build: () => new States(new GRU(256, 256, { batchFirst: true })),
  },
} as const;
