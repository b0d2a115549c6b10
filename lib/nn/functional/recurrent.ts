import { callOperatorForMany, type Value } from '../dispatcher.ts';

/** The weights of one layer in one direction; biases and the projection null where it has none. */
export interface RecurrentWeights {
  /** Over the input, [gates * hidden, in]. */
  readonly input: Value;
  /** Over the state before, [gates * hidden, state]. */
  readonly hidden: Value;
  readonly inputBias: Value | null;
  readonly hiddenBias: Value | null;
  /** Of an LSTM, [projected, hidden]. */
  readonly projection?: Value | null;
}

/** How a layer goes through its sequences. */
export interface RecurrentOptions {
  /** From the last step to the first. */
  readonly reverse?: boolean;
  /** Whether sequences are [n, t, in] in place of [t, n, in]. */
  readonly batchFirst?: boolean;
}

/**
 * One layer of an LSTM in one direction, from states [n, state] and [n, hidden], zeros where they are null.
 * @returns the states of all steps, the last state, and the last cell state.
 */
export function lstmLayer(
  x: Value,
  weights: RecurrentWeights,
  [state, cell]: readonly [Value | null, Value | null] = [null, null],
  options: RecurrentOptions = {},
): readonly Value[] {
  const projection = weights.projection ?? null;
  return callLayer('lstm', x, weights, [projection, state, cell], options, 'torch.lstm');
}

/** The same of a GRU, whose reset gate is applied after the product with the state. There is no cell state. */
export function gruLayer(
  x: Value,
  weights: RecurrentWeights,
  state: Value | null = null,
  options: RecurrentOptions = {},
): readonly Value[] {
  return callLayer('gru', x, weights, [state], options, 'torch.gru');
}

/** The same of an Elman network. */
export function rnnLayer(
  x: Value,
  weights: RecurrentWeights,
  nonlinearity: 'tanh' | 'relu',
  state: Value | null = null,
  options: RecurrentOptions = {},
): readonly Value[] {
  return callLayer('rnn', x, weights, [nonlinearity, state], options, `torch.rnn_${nonlinearity}`);
}

function callLayer(
  name: string,
  x: Value,
  { input, hidden, inputBias, hiddenBias }: RecurrentWeights,
  middle: readonly (Value | string | null)[],
  { reverse = false, batchFirst = false }: RecurrentOptions,
  source: string,
): readonly Value[] {
  return callOperatorForMany({
    target: `octavo.${name}_layer.default`,
    args: [x, input, hidden, inputBias, hiddenBias, ...middle, null, reverse, batchFirst],
    source,
  });
}
