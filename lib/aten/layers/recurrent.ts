import { type Arguments, type Dim, dimsEqual, type TensorMeta } from '../../graph/index.ts';
import {
  constantFloats,
  type NativeDefinition,
  type OperatorDefinition,
  type TensorLike,
} from '../registry.ts';
import { computedDtype } from '../shape-rules.ts';

interface Cell {
  /** The cell's name in the native step. */
  readonly cell: string;
  /** Rows of a weight for each element of the state. */
  readonly gates: number;
  /** The reset gate is applied to the state before its product with the weights of the new gate, which stand alone. */
  readonly resetFirst?: true;
}

const lstm = (): Cell => ({ cell: 'lstm', gates: 4 });
const gru = (): Cell => ({ cell: 'gru', gates: 3 });
const gruResetFirst = (): Cell => ({ cell: 'gru_reset_first', gates: 3, resetFirst: true });

function elman<T>(args: Arguments<T>): Cell {
  const nonlinearity = args.string('nonlinearity');
  if (nonlinearity !== 'tanh' && nonlinearity !== 'relu')
    throw new Error(`${args.schema.name}: nonlinearity must be 'tanh' or 'relu', got '${nonlinearity}'`);
  return { cell: `rnn_${nonlinearity}`, gates: 1 };
}

const has = <T>(args: Arguments<T>, name: string): boolean =>
  args.schema.arguments.some((argument) => argument.name === name) && !args.isNone(name);

function check(args: Arguments<TensorMeta>, name: string, shape: readonly Dim[]): void {
  if (!has(args, name)) return;
  const given = args.tensor(name).shape;
  if (given.length !== shape.length || !given.every((dim, i) => dimsEqual(dim, shape[i])))
    throw new Error(`${args.schema.name}: ${name} must be [${shape.join(', ')}], got [${given.join(', ')}]`);
}

/** The states of all steps, the last state, and of an LSTM the last cell state. */
function inferLayer(args: Arguments<TensorMeta>, { cell, gates, resetFirst }: Cell): readonly TensorMeta[] {
  const { name } = args.schema;
  const { dtype, shape } = args.tensor('input');
  const [rows] = args.tensor('weight_ih').shape;
  if (shape.length !== 3)
    throw new Error(`${name}: the input must be sequences of vectors, got [${shape.join(', ')}]`);
  if (typeof rows !== 'number' || rows < 1 || rows % gates !== 0)
    throw new Error(`${name}: weight_ih must have ${gates} rows for each element of the state, got ${rows}`);
  if (args.isNone('bias_ih') !== args.isNone('bias_hh'))
    throw new Error(`${name}: there must be both biases or none`);
  if (cell === 'lstm' && args.isNone('h_0') !== args.isNone('c_0'))
    throw new Error(`${name}: there must be both first states or none`);
  const batchFirst = args.bool('batch_first');
  const [steps, batch] = batchFirst ? [shape[1], shape[0]] : shape;
  const width = rows / gates;
  const projected = has(args, 'weight_hr') ? args.tensor('weight_hr').shape[0] : width;
  check(args, 'weight_ih', [rows, shape[2]]);
  check(args, 'weight_hh', [resetFirst ? 2 * width : rows, projected]);
  check(args, 'weight_hn', [width, width]);
  for (const bias of ['bias_ih', 'bias_hh']) check(args, bias, [rows]);
  check(args, 'weight_hr', [projected, width]);
  check(args, 'h_0', [batch, projected]);
  check(args, 'c_0', [batch, width]);
  check(args, 'lengths', [batch]);
  computedDtype(dtype, name);
  const states = batchFirst ? [batch, steps, projected] : [steps, batch, projected];
  return [
    { dtype, shape: states },
    { dtype, shape: [batch, projected] },
    ...(cell === 'lstm' ? [{ dtype, shape: [batch, width] }] : []),
  ];
}

/** Tensor arguments in the order of the native step. */
const operands = [
  'input',
  'weight_ih',
  'weight_hh',
  'weight_hn',
  'bias_ih',
  'bias_hh',
  'weight_hr',
  'h_0',
  'c_0',
  'lengths',
];

const isQuantized = <T>(args: Arguments<T>): boolean => has(args, 'weight_ih_scale');

function checkWeights(args: Arguments<TensorMeta>): void {
  if (!isQuantized(args)) return;
  for (const weight of ['weight_ih', 'weight_hh']) {
    const { dtype } = args.tensor(weight);
    if (dtype !== 'int8') throw new Error(`${args.schema.name}: ${weight} must be int8, got ${dtype}`);
    check(args, `${weight}_scale`, [1]);
  }
}

function quantization<T extends TensorLike>(args: Arguments<T>) {
  const scales = ['weight_ih_scale', 'weight_hh_scale'].flatMap((name) => [
    ...constantFloats(args.tensor(name), name),
  ]);
  return { isQuantized: true, weightScales: scales };
}

function layer(schema: string, cellOf: <T>(args: Arguments<T>) => Cell): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      checkWeights(args);
      return inferLayer(args, cellOf(args));
    },
    // The sequences of a quantized layer share their scales.
    samples: (args) =>
      args.bool('batch_first') && !isQuantized(args) ? ['input', 'h_0', 'c_0', 'lengths'] : [],
    step: <T extends TensorLike>(args: Arguments<T>) => ({
      op: 'recurrent',
      inputs: operands.filter((name) => has(args, name)).map((name) => args.tensor(name)),
      attributes: {
        cell: cellOf(args).cell,
        reverse: args.bool('reverse'),
        batchFirst: args.bool('batch_first'),
        hasBias: has(args, 'bias_ih'),
        hasProjection: has(args, 'weight_hr'),
        hasState: has(args, 'h_0'),
        hasLengths: has(args, 'lengths'),
        ...(isQuantized(args) ? quantization(args) : {}),
      },
    }),
  };
}

/**
 * One recurrent layer in one direction (counterpart: `torch.lstm`, `torch.gru`, `torch.rnn_tanh`, which compute all layers
 * at once). Sequences are `[T, N, I]`, with `batch_first` `[N, T, I]`, and end at their own `lengths` where these are given:
 * later results are 0, and the last state is the one at the end. `reverse` begins each sequence at its end. The results: the
 * states of all steps, the last state `[N, H]`, and of an LSTM the last cell state. PyTorch's GRU resets what the state's
 * weights computed; with `reset_first`, which other frameworks have, the state itself is reset before.
 *
 * The `dynamic` forms (counterpart: `torch.ao.nn.quantized.dynamic.LSTM` and `GRU`) have symmetric int8 weights with a scale
 * each. The input as a whole, and the states of all sequences at each step, are quantized to 7 bits by their own range.
 */
export const recurrentLayers: readonly OperatorDefinition[] = [
  layer(
    'octavo::lstm_layer(Tensor input, Tensor weight_ih, Tensor weight_hh, Tensor? bias_ih, Tensor? bias_hh, Tensor? weight_hr, Tensor? h_0, Tensor? c_0, Tensor? lengths, bool reverse, bool batch_first) -> (Tensor, Tensor, Tensor)',
    lstm,
  ),
  layer(
    'octavo::gru_layer(Tensor input, Tensor weight_ih, Tensor weight_hh, Tensor? bias_ih, Tensor? bias_hh, Tensor? h_0, Tensor? lengths, bool reverse, bool batch_first) -> (Tensor, Tensor)',
    gru,
  ),
  layer(
    'octavo::gru_layer.reset_first(Tensor input, Tensor weight_ih, Tensor weight_hh, Tensor weight_hn, Tensor? bias_ih, Tensor? bias_hh, Tensor? h_0, Tensor? lengths, bool reverse, bool batch_first) -> (Tensor, Tensor)',
    gruResetFirst,
  ),
  layer(
    'octavo::lstm_layer.dynamic(Tensor input, Tensor weight_ih, Tensor weight_ih_scale, Tensor weight_hh, Tensor weight_hh_scale, Tensor? bias_ih, Tensor? bias_hh, Tensor? h_0, Tensor? c_0, Tensor? lengths, bool reverse, bool batch_first) -> (Tensor, Tensor, Tensor)',
    lstm,
  ),
  layer(
    'octavo::gru_layer.dynamic(Tensor input, Tensor weight_ih, Tensor weight_ih_scale, Tensor weight_hh, Tensor weight_hh_scale, Tensor? bias_ih, Tensor? bias_hh, Tensor? h_0, Tensor? lengths, bool reverse, bool batch_first) -> (Tensor, Tensor)',
    gru,
  ),
  layer(
    'octavo::rnn_layer(Tensor input, Tensor weight_ih, Tensor weight_hh, Tensor? bias_ih, Tensor? bias_hh, str nonlinearity, Tensor? h_0, Tensor? lengths, bool reverse, bool batch_first) -> (Tensor, Tensor)',
    elman,
  ),
];
