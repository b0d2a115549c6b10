import { type Argument, type Arguments, GET_ITEM, type Node } from '../../graph/index.ts';
import { type Add, type Call, type DecompositionDefinition, metaOf, same } from './decomposition.ts';

/** What distinguishes LSTM, GRU and Elman networks in a graph. */
interface Network {
  /** The operator of one layer in one direction. */
  readonly layer: string;
  /** Its arguments between the biases and the first state, or the weight of the projection, `Tensor?`. */
  readonly middle: (projection: Node | null) => readonly Argument[];
  /** States that go from step to step: the hidden state, and an LSTM's cell state. */
  readonly states: number;
}

const lstm: Network = { layer: 'octavo.lstm_layer.default', middle: (projection) => [projection], states: 2 };
const gru: Network = { layer: 'octavo.gru_layer.default', middle: () => [], states: 1 };
const elman = (nonlinearity: string): Network => ({
  layer: 'octavo.rnn_layer.default',
  middle: () => [nonlinearity],
  states: 1,
});

/** The weights of one layer in one direction, as the operator lists them. */
interface Weights {
  readonly input: Node;
  readonly hidden: Node;
  readonly biases: readonly (Node | null)[];
  readonly projection: Node | null;
}

function weightsOf(args: Arguments<Node>, count: number, mayProject: boolean): readonly Weights[] {
  const { name } = args.schema;
  const params = args.tensors('params');
  const perLayer = params.length / count;
  const biases = args.bool('has_biases') ? 2 : 0;
  const projects = mayProject && perLayer === 3 + biases;
  if (perLayer !== 2 + biases + (projects ? 1 : 0))
    throw new Error(`${name}: ${params.length} weights do not make ${count} layers (each way counts as one)`);
  return Array.from({ length: count }, (_, i) => {
    const [input, hidden, ...rest] = params.slice(i * perLayer, (i + 1) * perLayer);
    return {
      input,
      hidden,
      biases: biases > 0 ? rest.slice(0, 2) : [null, null],
      projection: projects ? rest[biases] : null,
    };
  });
}

function checkInference(args: Arguments<Node>): void {
  if (args.bool('train') && args.number('dropout') > 0)
    throw new Error(
      `${args.schema.name}: the model was exported in training mode; call eval() before export`,
    );
}

/**
 * All layers, each in one or both directions, one after the other.
 *
 *     lstm(x, [h, c], weights)   ⇒   lstm_layer(cat(lstm_layer(x, …), lstm_layer(x, …, reverse), -1), …)
 *
 * @returns the results: the last layer's states, and the stacked last states.
 */
function unrolled(network: Network, initial: (args: Arguments<Node>) => readonly Node[]) {
  return (add: Add, args: Arguments<Node>): readonly (() => Call)[] => {
    checkInference(args);
    const directions = args.bool('bidirectional') ? 2 : 1;
    const layers = args.number('num_layers');
    const weights = weightsOf(args, layers * directions, network.states === 2);
    const first = initial(args);
    if (first.length !== network.states)
      throw new Error(`${args.schema.name}: ${network.states} first states are needed, got ${first.length}`);
    const ends: Node[] = [];
    let states = args.tensor('input');
    metaOf(states, args.schema.name);
    for (let layer = 0; layer < layers; layer++) {
      const input = states;
      const ways = Array.from({ length: directions }, (_, way) => {
        const index = layer * directions + way;
        const { input: ofInput, hidden, biases, projection } = weights[index];
        const started = first.map((state) => add('aten.select.int', state, 0, index));
        const end = add(
          network.layer,
          ...[input, ofInput, hidden, ...biases, ...network.middle(projection), ...started],
          ...[null, way === 1, args.bool('batch_first')],
        );
        ends.push(end);
        return add(GET_ITEM, end, 0);
      });
      states = ways.length === 1 ? ways[0] : add('aten.cat.default', ways, 2);
    }
    const stacked = (result: number) => (): Call => {
      const last = ends.map((end) => add('aten.unsqueeze.default', add(GET_ITEM, end, result), 0));
      return last.length === 1 ? same(last[0]) : ['aten.cat.default', last, 0];
    };
    return [() => same(states), ...first.map((_, i) => stacked(i + 1))];
  };
}

const rest =
  'Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional';

/** Packed sequences interleave the batch. */
function packed(name: string, states: string, returns: number): DecompositionDefinition {
  return {
    schema: `aten::${name}.data(Tensor data, Tensor batch_sizes, ${states} hx, ${rest}) -> (${Array(returns).fill('Tensor').join(', ')})`,
    decompose: (_, { schema }) => {
      throw new Error(
        `${schema.name}: packed sequences (torch.nn.utils.rnn.pack_padded_sequence) are not supported; pass padded sequences`,
      );
    },
  };
}

const ofOneState = (name: string, network: Network): readonly DecompositionDefinition[] => [
  {
    schema: `aten::${name}.input(Tensor input, Tensor hx, ${rest}, bool batch_first) -> (Tensor, Tensor)`,
    results: unrolled(network, (args) => [args.tensor('hx')]),
  },
  packed(name, 'Tensor', 2),
];

/** Recurrent networks as layers (counterpart: `torch.lstm`, `torch.gru`, `torch.rnn_tanh`, `torch.rnn_relu`). */
export const recurrentDecompositions: readonly DecompositionDefinition[] = [
  {
    schema: `aten::lstm.input(Tensor input, Tensor[] hx, ${rest}, bool batch_first) -> (Tensor, Tensor, Tensor)`,
    results: unrolled(lstm, (args) => args.tensors('hx')),
  },
  packed('lstm', 'Tensor[]', 3),
  ...ofOneState('gru', gru),
  ...ofOneState('rnn_tanh', elman('tanh')),
  ...ofOneState('rnn_relu', elman('relu')),
];
