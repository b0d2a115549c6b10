import { recurrentGates } from '../../names.ts';
import { type OnnxCall, type OnnxEmitter, type OnnxEmitters, upTo } from '../call.ts';
import type { OnnxAttributes } from '../graph-builder.ts';
import type { OnnxValue } from '../value.ts';

type Cell = keyof typeof recurrentGates;

/** Parts of the rows of a weight in another order; of constants at once. */
function inOrder(call: OnnxCall, value: OnnxValue, order: readonly number[], rows: number): OnnxValue {
  if (order.every((gate, i) => gate === i)) return value;
  const { constant } = value;
  const blocks = order.map((gate) => [gate * rows, (gate + 1) * rows] as const);
  if (!constant)
    return call.concat(
      blocks.map(([from, to]) => call.slice(value, 0, from, to)),
      0,
    );
  const parts = blocks.map(([from, to]) => call.fold('aten.slice.Tensor', constant, 0, from, to));
  return call.constant(call.fold('aten.cat.default', parts, 0), value.wish);
}

/** Rows of several tensors behind each other; of constants at once. */
function joined(call: OnnxCall, values: readonly OnnxValue[]): OnnxValue {
  if (values.length === 1) return values[0];
  const known = values.map(({ constant }) => constant);
  return known.every((each) => each !== undefined)
    ? call.constant(call.fold('aten.cat.default', known, 0), values[0].wish)
    : call.concat(values, 0);
}

/** Both biases as one list, `[1, 2 * gates * state]`; null where there are none. */
function biasesOf(call: OnnxCall, order: readonly number[], state: number): OnnxValue | null {
  if (call.args.isNone('bias_ih')) return null;
  const biases = ['bias_ih', 'bias_hh'].map((name) =>
    inOrder(call, call.operand(name, call.real), order, state),
  );
  return call.unsqueeze(joined(call, biases), [0]);
}

/** One layer in one direction, which ONNX has with an axis for directions in front. */
const layer =
  (cell: Cell, attributesOf: (call: OnnxCall) => OnnxAttributes = () => ({})): OnnxEmitter =>
  (call) => {
    const { args } = call;
    if (cell === 'LSTM' && !args.isNone('weight_hr'))
      throw new Error('ONNX has no LSTM whose state is projected (proj_size)');
    // PyTorch's gates by their numbers in ONNX; here ONNX's are needed by their numbers in PyTorch.
    const order = upTo(recurrentGates[cell].length).map((gate) =>
      recurrentGates[cell].indexOf(gate as never),
    );
    const ofState = call.operand('weight_hh', call.real);
    // A GRU that resets the state first has the weights of its new gate apart.
    const apart = args.schema.arguments.some(({ name }) => name === 'weight_hn')
      ? [call.operand('weight_hn', call.real)]
      : [];
    const weights = [call.operand('weight_ih', call.real), joined(call, [ofState, ...apart])];
    const state = call.static(ofState.shape[1], 'the size of the state');
    const [w, r] = weights.map((weight) => call.unsqueeze(inOrder(call, weight, order, state), [0]));
    const batchFirst = args.bool('batch_first');
    const x = call.operand('input', call.real);
    const stateOf = (name: string) =>
      args.isNone(name) ? null : call.unsqueeze(call.operand(name, call.real), [0]);
    const lengths = args.isNone('lengths') ? null : call.operand('lengths', 'int32');
    const states = cell === 'LSTM' ? [stateOf('h_0'), stateOf('c_0')] : [stateOf('h_0')];
    const results = call.ops(
      cell,
      // ONNX Runtime computes sequences with the steps in front alone.
      [batchFirst ? call.transpose(x, [1, 0, 2]) : x, w, r, biasesOf(call, order, state), lengths, ...states],
      {
        hidden_size: state,
        direction: args.bool('reverse') ? 'reverse' : 'forward',
        ...attributesOf(call),
      },
      call.metas.map(({ shape }, i) => {
        if (i > 0) return { dtype: x.dtype, shape: [1, ...shape] };
        const [steps, batch] = batchFirst ? [shape[1], shape[0]] : shape;
        return { dtype: x.dtype, shape: [steps, 1, batch, shape[2]] };
      }),
    );
    const [all, ...last] = results.map((value, i) => call.squeeze(value, [i === 0 ? 1 : 0]));
    return [batchFirst ? call.transpose(all, [1, 0, 2]) : all, ...last];
  };

/** Layers that run along a sequence. */
export const recurrentEmitters: OnnxEmitters = {
  'octavo.lstm_layer.default': layer('LSTM'),
  'octavo.gru_layer.default': layer('GRU', () => ({ linear_before_reset: 1 })),
  'octavo.gru_layer.reset_first': layer('GRU', () => ({ linear_before_reset: 0 })),
  'octavo.rnn_layer.default': layer('RNN', ({ args }) => ({
    activations: [args.string('nonlinearity') === 'relu' ? 'Relu' : 'Tanh'],
  })),
};
