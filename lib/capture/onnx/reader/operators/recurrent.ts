import type { Dim } from '../../../../graph/index.ts';
import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import type { OnnxValue } from '../values.ts';
import { upTo } from './common.ts';

/** A recurrent layer of ONNX, as far as PyTorch has the same. */
interface Cell {
  readonly name: string;
  /** PyTorch's gates, each as its number in ONNX's order. */
  readonly gates: readonly number[];
  /** Default activations of one direction. */
  readonly activations: readonly string[];
  /** Inputs that hold initial states. */
  readonly states: readonly number[];
}

const lstm: Cell = {
  name: 'lstm',
  gates: [0, 2, 3, 1],
  activations: ['Sigmoid', 'Tanh', 'Tanh'],
  states: [5, 6],
};
const gru: Cell = { name: 'gru', gates: [1, 0, 2], activations: ['Sigmoid', 'Tanh'], states: [5] };
const rnn: Cell = { name: 'rnn_tanh', gates: [0], activations: ['Tanh'], states: [5] };

/** @throws Error when the layer is of a kind that PyTorch has not. */
function checkKind(call: OnnxCall, cell: Cell, directions: number): void {
  const { attributes } = call;
  if (attributes.has('clip')) throw new Error("the attribute 'clip' is not supported");
  const expected = upTo(directions).flatMap(() => cell.activations);
  const given = attributes.strings('activations', expected);
  if (
    given.length !== expected.length ||
    given.some((name, i) => name.toLowerCase() !== expected[i].toLowerCase())
  )
    throw new Error(
      `the activations ${given.join(', ')} are not supported; ${cell.activations.join(', ')} are`,
    );
  if (attributes.int('input_forget', 0) !== 0) throw new Error('input_forget=1 is not supported');
  if (cell === lstm && call.optional(7)) {
    const peepholes = call.numbers(7, 'the peepholes');
    if (peepholes.some((weight) => weight !== 0)) throw new Error('peepholes (input 7) are not supported');
  }
  if (cell === gru && attributes.int('linear_before_reset', 0) === 0)
    throw new Error('linear_before_reset=0 is not supported; PyTorch computes with 1');
}

/** Sequences must be as long as the tensor: others would end earlier. */
function checkLengths(call: OnnxCall, steps: Dim): void {
  if (!call.optional(4)) return;
  const lengths = call.numbers(4, 'the lengths of the sequences');
  if (lengths.some((length) => length !== steps))
    throw new Error(`sequences of ${lengths.join(', ')} steps in a tensor of ${steps} are not supported`);
}

/** One direction's part of a tensor whose first extent is the directions. */
const ofDirection = (call: OnnxCall, value: OnnxValue, direction: number): OnnxValue =>
  call.call('aten.select.int', value, 0, direction);

/** Blocks of rows in PyTorch's order of gates. */
function inOrder(call: OnnxCall, value: OnnxValue, gates: readonly number[], hidden: number): OnnxValue {
  if (gates.every((gate, i) => gate === i)) return value;
  const blocks = gates.map((gate) =>
    call.call('aten.slice.Tensor', value, 0, gate * hidden, (gate + 1) * hidden, 1),
  );
  return call.call('aten.cat.default', blocks, 0);
}

/** Weights and biases of the input and of the state, direction after direction, as PyTorch's operators have them. */
function parameters(call: OnnxCall, cell: Cell, directions: number, hidden: number): OnnxValue[] {
  const bias = call.optional(3);
  const rows = cell.gates.length * hidden;
  return upTo(directions).flatMap((direction) => {
    const weights = [1, 2].map((i) =>
      inOrder(call, ofDirection(call, call.input(i), direction), cell.gates, hidden),
    );
    if (!bias) return weights;
    const both = ofDirection(call, bias, direction);
    const biases = [0, 1].map((half) =>
      inOrder(
        call,
        call.call('aten.slice.Tensor', both, 0, half * rows, (half + 1) * rows, 1),
        cell.gates,
        hidden,
      ),
    );
    return [...weights, ...biases];
  });
}

/** The initial state, zeros where the file has none. */
function stateOf(call: OnnxCall, input: number, directions: number, batch: Dim, hidden: number): OnnxValue {
  const given = call.optional(input);
  if (!given) {
    const zeros = call.constant(Tensor.zeros('float32', [directions, 1, hidden]));
    return batch === 1 ? zeros : call.call('aten.expand.default', zeros, [directions, batch, hidden]);
  }
  return isBatchFirst(call) ? call.call('aten.permute.default', given, [1, 0, 2]) : given;
}

const isBatchFirst = (call: OnnxCall): boolean => call.attributes.int('layout', 0) === 1;

const recurrent =
  (cell: Cell) =>
  (call: OnnxCall): readonly (OnnxValue | undefined)[] => {
    const direction = call.attributes.string('direction', 'forward');
    const directions = direction === 'bidirectional' ? 2 : 1;
    checkKind(call, cell, directions);
    const hidden = call.attributes.has('hidden_size')
      ? call.attributes.int('hidden_size')
      : call.static(call.input(2).shape[2], 'the size of the state');
    const given = isBatchFirst(call)
      ? call.call('aten.permute.default', call.input(0), [1, 0, 2])
      : call.input(0);
    if (given.shape.length !== 3)
      throw new Error(`the input must be [steps, batch, features], got [${given.shape.join(', ')}]`);
    const [steps, batch] = given.shape;
    checkLengths(call, steps);
    const isReverse = direction === 'reverse';
    const x = isReverse ? call.call('aten.flip.default', given, [0]) : given;
    const states = cell.states.map((input) => stateOf(call, input, directions, batch, hidden));
    const [output, ...last] = call.calls(
      cell.name === 'rnn_tanh' ? 'aten.rnn_tanh.input' : `aten.${cell.name}.input`,
      x,
      cell === lstm ? states : states[0],
      parameters(call, cell, directions, hidden),
      ...[call.optional(3) !== undefined, 1, 0, false, directions === 2, false],
    );
    const ordered = isReverse ? call.call('aten.flip.default', output, [0]) : output;
    return results(call, ordered, last, [steps, batch, directions, hidden]);
  };

/** ONNX has an axis for the directions; PyTorch joins what they return. */
function results(
  call: OnnxCall,
  output: OnnxValue,
  last: readonly OnnxValue[],
  shape: readonly Dim[],
): readonly (OnnxValue | undefined)[] {
  const batchFirst = isBatchFirst(call);
  const y = call.wanted[0]
    ? call.call('aten.permute.default', call.reshape(output, shape), batchFirst ? [1, 0, 2, 3] : [0, 2, 1, 3])
    : undefined;
  const states = last.map((state, i) =>
    call.wanted[i + 1] && batchFirst ? call.call('aten.permute.default', state, [1, 0, 2]) : state,
  );
  return [y, ...states];
}

/** Layers that run along a sequence. */
export const recurrentReaders: OperatorTable = {
  LSTM: recurrent(lstm),
  GRU: recurrent(gru),
  RNN: recurrent(rnn),
};
