import type { Dim } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import { recurrentGates } from '../../names.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import type { CallArgument } from '../graph-writer.ts';
import type { OnnxValue } from '../values.ts';
import { upTo } from './common.ts';

/** A recurrent layer of ONNX, as far as PyTorch has the same. */
interface Cell {
  readonly layer: string;
  /** PyTorch's gates, each as its number in ONNX's order. */
  readonly gates: readonly number[];
  /** Activations of one direction that can be computed. */
  readonly activations: readonly (readonly string[])[];
  /** Inputs that hold initial states. */
  readonly states: readonly number[];
  /** The weights of the last gate over the state stand alone. */
  readonly lastAlone?: true;
  /** Arguments between the biases and the states. */
  readonly middle: (activations: readonly string[]) => readonly CallArgument[];
}

const lstm: Cell = {
  layer: 'octavo.lstm_layer.default',
  gates: recurrentGates.LSTM,
  activations: [['sigmoid', 'tanh', 'tanh']],
  states: [5, 6],
  middle: () => [null],
};
const gru: Cell = {
  layer: 'octavo.gru_layer.default',
  gates: recurrentGates.GRU,
  activations: [['sigmoid', 'tanh']],
  states: [5],
  middle: () => [],
};
const gruResetFirst: Cell = { ...gru, layer: 'octavo.gru_layer.reset_first', lastAlone: true };
const rnn: Cell = {
  layer: 'octavo.rnn_layer.default',
  gates: recurrentGates.RNN,
  activations: [['tanh'], ['relu']],
  states: [5],
  middle: ([nonlinearity]) => [nonlinearity],
};

/**
 * The activations of each direction.
 * @throws Error when the layer is of a kind that PyTorch does not have.
 */
function activationsOf(call: OnnxCall, cell: Cell, directions: number): (readonly string[])[] {
  const { attributes } = call;
  const [usual] = cell.activations;
  const given = attributes.strings(
    'activations',
    upTo(directions).flatMap(() => usual),
  );
  return upTo(directions).map((direction) => {
    const own = given.slice(direction * usual.length, (direction + 1) * usual.length);
    const names = own.map((name) => name.toLowerCase());
    if (!cell.activations.some((known) => known.every((name, i) => name === names[i])))
      throw new Error(`the activations ${own.join(', ')} are not supported; ${usual.join(', ')} are`);
    return names;
  });
}

/** @throws Error when the layer has something that PyTorch's does not. */
function checkKind(call: OnnxCall, cell: Cell): void {
  const { attributes } = call;
  if (attributes.has('clip')) throw new Error("the attribute 'clip' is not supported");
  if (attributes.int('input_forget', 0) !== 0) throw new Error('input_forget=1 is not supported');
  const peepholes = cell === lstm && call.optional(7) ? call.numbers(7, 'the peepholes') : [];
  if (peepholes.some((weight) => weight !== 0)) throw new Error('peepholes (input 7) are not supported');
}

/** One direction's part of a tensor whose first extent is the directions. */
const ofDirection = (call: OnnxCall, input: number, direction: number): OnnxValue =>
  call.call('aten.select.int', call.input(input), 0, direction);

/** Blocks of rows in PyTorch's order of gates. */
function inOrder(call: OnnxCall, value: OnnxValue, gates: readonly number[], hidden: number): OnnxValue {
  if (gates.every((gate, i) => gate === i)) return value;
  const blocks = gates.map((gate) =>
    call.call('aten.slice.Tensor', value, 0, gate * hidden, (gate + 1) * hidden, 1),
  );
  return call.call('aten.cat.default', blocks, 0);
}

/** Weights and biases of the input and of the state. */
function parametersOf(
  call: OnnxCall,
  { gates, lastAlone }: Cell,
  direction: number,
  hidden: number,
): CallArgument[] {
  const rows = gates.length * hidden;
  const rowsOf = (value: OnnxValue, from: number, to: number) =>
    call.call('aten.slice.Tensor', value, 0, from, to, 1);
  const [ofInput, ofState] = [1, 2].map((input) =>
    inOrder(call, ofDirection(call, input, direction), gates, hidden),
  );
  const last = rows - hidden;
  const weights = lastAlone
    ? [ofInput, rowsOf(ofState, 0, last), rowsOf(ofState, last, rows)]
    : [ofInput, ofState];
  if (!call.optional(3)) return [...weights, null, null];
  const both = ofDirection(call, 3, direction);
  const biases = [0, 1].map((half) => {
    const own = rowsOf(both, half * rows, (half + 1) * rows);
    return inOrder(call, own, gates, hidden);
  });
  return [...weights, ...biases];
}

const isBatchFirst = (call: OnnxCall): boolean => call.attributes.int('layout', 0) === 1;

/** The initial states of a direction, zeros where the file has one of two; none where it has none. */
function statesOf(call: OnnxCall, { states }: Cell, direction: number, batch: Dim, hidden: number) {
  if (states.every((input) => !call.optional(input))) return states.map(() => null);
  return states.map((input) => {
    if (call.optional(input))
      return call.call('aten.select.int', call.input(input), isBatchFirst(call) ? 1 : 0, direction);
    const zeros = call.constant(Tensor.zeros('float32', [1, hidden]));
    return call.call('aten.expand.default', zeros, [batch, hidden]);
  });
}

const recurrent =
  (cellOf: (call: OnnxCall) => Cell) =>
  (call: OnnxCall): readonly (OnnxValue | undefined)[] => {
    const cell = cellOf(call);
    const direction = call.attributes.string('direction', 'forward');
    const ways = direction === 'bidirectional' ? [false, true] : [direction === 'reverse'];
    checkKind(call, cell);
    const activations = activationsOf(call, cell, ways.length);
    const x = call.input(0);
    if (x.shape.length !== 3)
      throw new Error(`the input must be [steps, batch, features], got [${x.shape.join(', ')}]`);
    const hidden = call.static(call.input(2).shape[2], 'the size of the state');
    const batch = x.shape[isBatchFirst(call) ? 0 : 1];
    const lengths = call.optional(4) ? call.cast(call.input(4), 'int64') : null;
    const layers = ways.map((isReverse, i) =>
      call.calls(
        cell.layer,
        x,
        ...parametersOf(call, cell, i, hidden),
        ...cell.middle(activations[i]),
        ...statesOf(call, cell, i, batch, hidden),
        ...[lengths, isReverse, isBatchFirst(call)],
      ),
    );
    return cell.states
      .concat(0)
      .map((_, result) => (call.wanted[result] ? stacked(call, layers, result) : undefined));
  };

/** The results of both directions, along an axis of their own: the second one of all states, the first one of the last. */
function stacked(call: OnnxCall, layers: readonly (readonly OnnxValue[])[], result: number): OnnxValue {
  const axis = isBatchFirst(call) ? (result === 0 ? 2 : 1) : result === 0 ? 1 : 0;
  const parts = layers.map((results) => call.call('aten.unsqueeze.default', results[result], axis));
  return parts.length === 1 ? parts[0] : call.call('aten.cat.default', parts, axis);
}

/** Layers that run along a sequence. */
export const recurrentReaders: OperatorTable = {
  LSTM: recurrent(() => lstm),
  GRU: recurrent(({ attributes }) => (attributes.int('linear_before_reset', 0) === 0 ? gruResetFirst : gru)),
  RNN: recurrent(() => rnn),
};
