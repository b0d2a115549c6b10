import type { Node } from '../../graph/index.ts';
import {
  add,
  compare,
  mul,
  once,
  oneMinus,
  product,
  reshape,
  sub,
  sumOver,
  transposed,
} from './arithmetic.ts';
import type { DifferentiatedCall, GradientBuilder, GradientRule, GradientRules } from './rule.ts';

/** A layer's tensors with the steps first and in the order in which they are taken: [T, N, ...]. */
interface Sequence {
  readonly g: GradientBuilder;
  readonly call: DifferentiatedCall;
  readonly steps: number;
  readonly input: Node;
  /** The state before each step, and after it. */
  readonly before: Node;
  readonly after: Node;
  /** The gradient of each state that is returned; undefined where nothing depends on them. */
  readonly given: Node | undefined;
}

/** What goes back from step to step. */
interface Backward {
  /** The gradients of all gates before their activations, [T, N, gates]: as the input's weights see them. */
  readonly ofGates: Node;
  /** The same as the state's weights see them, where that is otherwise. */
  readonly ofStateGates?: Node;
  /** The gradients of the first states. */
  readonly first: readonly Node[];
  /** The gradient of a projection's weight. */
  readonly ofProjection?: Node;
}

const tanh = (g: GradientBuilder, x: Node): Node => g.call('aten.tanh.default', x);
const sigmoid = (g: GradientBuilder, x: Node): Node => g.call('aten.sigmoid.default', x);
const square = (g: GradientBuilder, x: Node): Node => mul(g, x, x);

/** One step of a sequence. */
const at = (g: GradientBuilder, x: Node, step: number): Node => g.call('aten.select.int', x, 0, step);
const stacked = (g: GradientBuilder, steps: readonly Node[]): Node =>
  g.call(
    'aten.cat.default',
    steps.map((step) => g.call('aten.unsqueeze.default', step, 0)),
    0,
  );
const joined = (g: GradientBuilder, parts: readonly Node[]): Node => g.call('aten.cat.default', parts, -1);

function has({ args }: DifferentiatedCall, name: string): boolean {
  return args.schema.arguments.some((argument) => argument.name === name) && !args.isNone(name);
}

/** A first state, or zeros. */
function firstState(call: DifferentiatedCall, g: GradientBuilder, name: string, like: Node): Node {
  return has(call, name) ? call.args.tensor(name) : g.call('aten.zeros_like.default', like);
}

/** To the order of the steps, and back: both are the same. */
function ordered({ args }: DifferentiatedCall, g: GradientBuilder, x: Node, inward: boolean): Node {
  const swap = (node: Node) => (args.bool('batch_first') ? g.call('aten.transpose.int', node, 0, 1) : node);
  const turn = (node: Node) => (args.bool('reverse') ? g.call('aten.flip.default', node, [0]) : node);
  return inward ? turn(swap(x)) : swap(turn(x));
}

function sequenceOf(call: DifferentiatedCall, g: GradientBuilder): Sequence {
  const { args } = call;
  if (!args.isNone('lengths')) throw new Error('there is no gradient of sequences with lengths of their own');
  const after = ordered(call, g, g.item(call.result, 0), true);
  const steps = g.shape(after)[0];
  const first = firstState(call, g, 'h_0', at(g, after, 0));
  const rest = g.call('aten.slice.Tensor', after, 0, 0, steps - 1);
  const [states] = call.grads;
  return {
    g,
    call,
    steps,
    input: ordered(call, g, args.tensor('input'), true),
    before: g.call('aten.cat.default', [g.call('aten.unsqueeze.default', first, 0), rest], 0),
    after,
    given: states && ordered(call, g, states, true),
  };
}

/** x Wᵀ + b for all steps at once. */
const affine = (g: GradientBuilder, x: Node, weight: Node, bias: Node | null): Node =>
  g.call('aten.linear.default', x, weight, bias);

/** The parts of one gate each. */
function gatesOf(g: GradientBuilder, x: Node, count: number): Node[] {
  const width = g.shape(x)[2] / count;
  return Array.from({ length: count }, (_, i) =>
    g.call('aten.slice.Tensor', x, 2, i * width, (i + 1) * width),
  );
}

/** What the input's and the state's weights compute, together. */
function preactivations({ g, call: { args }, input, before }: Sequence): Node {
  return add(
    g,
    affine(g, input, args.tensor('weight_ih'), args.optionalTensor('bias_ih')),
    affine(g, before, args.tensor('weight_hh'), args.optionalTensor('bias_hh')),
  );
}

/** Goes through the steps from the last to the first. `state` is the gradient of the step's state. */
function backThrough(
  { g, call, steps, given }: Sequence,
  each: (step: number, state: Node | undefined) => Node,
): Node {
  let carried: Node | undefined = call.grads[1];
  for (let step = steps - 1; step >= 0; step--) {
    const own = given && at(g, given, step);
    carried = each(step, own && carried ? add(g, own, carried) : (own ?? carried));
  }
  return carried!;
}

/** h' = f(Wx + Uh) */
function elman(sequence: Sequence): Backward {
  const { g, call, after, steps } = sequence;
  const { args } = call;
  const slope =
    args.string('nonlinearity') === 'tanh'
      ? oneMinus(g, square(g, after))
      : g.call('aten.to.dtype', compare(g, 'gt', after, 0), g.dtype(after));
  const gates: Node[] = Array(steps);
  const first = backThrough(sequence, (step, state) => {
    gates[step] = mul(g, state!, at(g, slope, step));
    return product(g, gates[step], args.tensor('weight_hh'));
  });
  return { ofGates: stacked(g, gates), first: [first] };
}

/** h' = (1 - z) n + z h with n = tanh(Wx + r (Uh)) */
function gru(sequence: Sequence): Backward {
  const { g, call, input, before, steps } = sequence;
  const { args } = call;
  const ofInput = gatesOf(g, affine(g, input, args.tensor('weight_ih'), args.optionalTensor('bias_ih')), 3);
  const ofState = gatesOf(g, affine(g, before, args.tensor('weight_hh'), args.optionalTensor('bias_hh')), 3);
  const [reset, update] = [0, 1].map((i) => sigmoid(g, add(g, ofInput[i], ofState[i])));
  const candidate = tanh(g, add(g, ofInput[2], mul(g, reset, ofState[2])));
  // The slopes of h' by each gate's preactivation, of the new gate also as the state's weights see it.
  const ofNew = mul(g, oneMinus(g, update), oneMinus(g, square(g, candidate)));
  const ofReset = mul(g, mul(g, ofNew, ofState[2]), mul(g, reset, oneMinus(g, reset)));
  const ofUpdate = mul(g, sub(g, before, candidate), mul(g, update, oneMinus(g, update)));
  const slopes = joined(g, [ofReset, ofUpdate, ofNew]);
  const stateSlopes = joined(g, [ofReset, ofUpdate, mul(g, ofNew, reset)]);
  const states: Node[] = Array(steps);
  const first = backThrough(sequence, (step, state) => {
    states[step] = state!;
    const gates = mul(g, joined(g, [state!, state!, state!]), at(g, stateSlopes, step));
    return add(g, mul(g, state!, at(g, update, step)), product(g, gates, args.tensor('weight_hh')));
  });
  const all = stacked(g, states);
  const three = joined(g, [all, all, all]);
  return { ofGates: mul(g, three, slopes), ofStateGates: mul(g, three, stateSlopes), first: [first] };
}

/** c' = f c + i n and h' = o tanh(c'), which a projection may follow. */
function lstm(sequence: Sequence): Backward {
  const { g, call, steps } = sequence;
  const { args } = call;
  const gates = gatesOf(g, preactivations(sequence), 4);
  const [opened, kept, shown] = [0, 1, 3].map((i) => sigmoid(g, gates[i]));
  const candidate = tanh(g, gates[2]);
  const added = mul(g, opened, candidate);
  const firstCell = firstState(call, g, 'c_0', at(g, added, 0));
  const cells: Node[] = [];
  for (let step = 0; step < steps; step++) {
    const last = cells[step - 1] ?? firstCell;
    cells.push(add(g, mul(g, at(g, kept, step), last), at(g, added, step)));
  }
  const before = stacked(g, [firstCell, ...cells.slice(0, -1)]);
  const curve = tanh(g, stacked(g, cells));
  // The slopes of c' by the first three gates' preactivations, and of h' by the last one's and by c'.
  const slope = (x: Node) => mul(g, x, oneMinus(g, x));
  const slopes = joined(g, [
    mul(g, slope(opened), candidate),
    mul(g, slope(kept), before),
    mul(g, opened, oneMinus(g, square(g, candidate))),
    mul(g, slope(shown), curve),
  ]);
  const byCell = mul(g, shown, oneMinus(g, square(g, curve)));
  const projection = has(call, 'weight_hr') ? args.tensor('weight_hr') : undefined;
  const [rows, projected]: [Node[], Node[]] = [Array(steps), Array(steps)];
  let ofCell: Node | undefined = call.grads[2];
  const first = backThrough(sequence, (step, state) => {
    if (state) projected[step] = state;
    const shownState = state && projection ? product(g, state, projection) : state;
    const fromState = shownState && mul(g, shownState, at(g, byCell, step));
    const cell = fromState && ofCell ? add(g, fromState, ofCell) : (fromState ?? ofCell)!;
    const output = shownState ?? g.call('aten.zeros_like.default', cell);
    rows[step] = mul(g, joined(g, [cell, cell, cell, output]), at(g, slopes, step));
    ofCell = mul(g, cell, at(g, kept, step));
    return product(g, rows[step], args.tensor('weight_hh'));
  });
  const backward = { ofGates: stacked(g, rows), first: [first, ofCell!] };
  if (!projection) return backward;
  const states = projected.map((state) => state ?? g.call('aten.zeros_like.default', first));
  return { ...backward, ofProjection: weightGradient(g, stacked(g, states), mul(g, shown, curve)) };
}

/** The sum over all steps and samples of the products of gradients and what the weights were multiplied with. */
function weightGradient(g: GradientBuilder, grad: Node, by: Node): Node {
  const rows = (node: Node) => reshape(g, node, [-1, g.shape(node)[2]]);
  return product(g, transposed(g, rows(grad)), rows(by));
}

/**
 * Back through time. The activations of all steps are computed again, at once, from the states that the layer returned; only
 * what goes from step to step stands in the graph once a step.
 */
const layer =
  (backward: (sequence: Sequence) => Backward): GradientRule =>
  (call, g) => {
    const { args } = call;
    const all = once(() => {
      const sequence = sequenceOf(call, g);
      return { sequence, ...backward(sequence) };
    });
    const ofState = () => all().ofStateGates ?? all().ofGates;
    const gradients = {
      input: () => ordered(call, g, product(g, all().ofGates, args.tensor('weight_ih')), false),
      weight_ih: () => weightGradient(g, all().ofGates, all().sequence.input),
      weight_hh: () => weightGradient(g, ofState(), all().sequence.before),
      bias_ih: () => sumOver(g, all().ofGates, [0, 1]),
      bias_hh: () => sumOver(g, ofState(), [0, 1]),
      weight_hr: () => all().ofProjection!,
      h_0: () => all().first[0],
      c_0: () => all().first[1],
    };
    return Object.fromEntries(Object.entries(gradients).filter(([name]) => has(call, name)));
  };

/** Gradients of recurrent layers. */
export const recurrentGradients: GradientRules = {
  'octavo.lstm_layer.default': layer(lstm),
  'octavo.gru_layer.default': layer(gru),
  'octavo.rnn_layer.default': layer(elman),
};
