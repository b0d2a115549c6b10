import type { Value } from './dispatcher.ts';
import {
  gruLayer,
  lstmLayer,
  type RecurrentWeights,
  rnnLayer,
  squeeze,
  unsqueeze,
} from './functional/index.ts';
import { uniform } from './init.ts';
import { Module, Parameter } from './module.ts';

/** Options of {@link LSTMCell} and {@link GRUCell}. */
export interface RecurrentCellOptions {
  readonly bias?: boolean;
}

/** Options of {@link RNNCell}. */
export interface RNNCellOptions extends RecurrentCellOptions {
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** One step of a layer (counterpart: `torch.nn.RNNCellBase`). */
abstract class RecurrentCell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly weight_ih: Parameter;
  readonly weight_hh: Parameter;
  readonly bias_ih: Parameter | null;
  readonly bias_hh: Parameter | null;

  protected constructor(inputSize: number, hiddenSize: number, gates: number, bias: boolean) {
    super();
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const bound = 1 / Math.sqrt(hiddenSize);
    const draw = (...shape: readonly number[]) => new Parameter(uniform(shape, -bound, bound));
    const rows = gates * hiddenSize;
    this.weight_ih = draw(rows, inputSize);
    this.weight_hh = draw(rows, hiddenSize);
    this.bias_ih = bias ? draw(rows) : null;
    this.bias_hh = bias ? draw(rows) : null;
  }

  protected get weights(): RecurrentWeights {
    return {
      input: this.weight_ih.tensor,
      hidden: this.weight_hh.tensor,
      inputBias: this.bias_ih?.tensor ?? null,
      hiddenBias: this.bias_hh?.tensor ?? null,
    };
  }
}

/**
 * What a cell makes of one step, with a batch or without: a sequence of that step goes through `layer`.
 * @throws Error for an input of another shape.
 */
export function oneStep(
  { type, inputSize }: { readonly type: string; readonly inputSize: number },
  x: Value,
  states: readonly (Value | undefined)[],
  layer: (x: Value, states: readonly (Value | null)[]) => readonly Value[],
): readonly Value[] {
  const rank = x.shape.length;
  if ((rank !== 1 && rank !== 2) || x.shape[rank - 1] !== inputSize)
    throw new Error(
      `${type}: the input must be [${inputSize}] or [n, ${inputSize}], got [${x.shape.join(', ')}]`,
    );
  const batched = (value: Value) => (rank === 2 ? value : unsqueeze(value, 0));
  const given = states.map((state) => (state ? batched(state) : null));
  const [, ...next] = layer(unsqueeze(batched(x), 0), given);
  return rank === 2 ? next : next.map((state) => squeeze(state, 0));
}

/** One step of an LSTM (counterpart: `torch.nn.LSTMCell`): x [n, in], state and cell state [n, hidden] to the next ones. */
export class LSTMCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, { bias = true }: RecurrentCellOptions = {}) {
    super(inputSize, hiddenSize, 4, bias);
  }

  override get type(): string {
    return 'torch.nn.modules.rnn.LSTMCell';
  }

  /** @throws Error for an input of another shape, or for one state alone. */
  forward(x: Value, state?: Value, cell?: Value): readonly Value[] {
    return oneStep(this, x, [state, cell], (y, [h, c]) => lstmLayer(y, this.weights, [h, c]));
  }
}

/** One step of a GRU (counterpart: `torch.nn.GRUCell`): x [n, in] and state [n, hidden] to the next state. */
export class GRUCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, { bias = true }: RecurrentCellOptions = {}) {
    super(inputSize, hiddenSize, 3, bias);
  }

  override get type(): string {
    return 'torch.nn.modules.rnn.GRUCell';
  }

  /** @throws Error for an input of another shape. */
  forward(x: Value, state?: Value): Value {
    return oneStep(this, x, [state], (y, [h]) => gruLayer(y, this.weights, h))[0];
  }
}

/** One step of an Elman network (counterpart: `torch.nn.RNNCell`): as {@link GRUCell}. */
export class RNNCell extends RecurrentCell {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    super(inputSize, hiddenSize, 1, options.bias ?? true);
    this.nonlinearity = options.nonlinearity ?? 'tanh';
  }

  override get type(): string {
    return 'torch.nn.modules.rnn.RNNCell';
  }

  /** @throws Error for an input of another shape. */
  forward(x: Value, state?: Value): Value {
    return oneStep(this, x, [state], (y, [h]) => rnnLayer(y, this.weights, this.nonlinearity, h))[0];
  }
}
