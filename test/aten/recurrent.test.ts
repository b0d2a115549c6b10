import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, Interpreter, type TensorMeta } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { toBf16, valuesOf } from '../support/bfloat16-tensors.ts';
import { decomposedGraph } from '../support/decomposed.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { build, execute } from '../support/run-plan.ts';
import { relativeError } from '../support/spatial.ts';

type Cell = 'lstm' | 'gru' | 'tanh' | 'relu';

interface Layer {
  readonly cell: Cell;
  readonly steps: number;
  readonly batch: number;
  readonly input: number;
  readonly width: number;
  readonly projected?: number;
  readonly bias: boolean;
  readonly reverse: boolean;
  readonly batchFirst: boolean;
  readonly hasState: boolean;
  readonly lengths?: readonly number[];
}

const gatesOf: Readonly<Record<Cell, number>> = { lstm: 4, gru: 3, tanh: 1, relu: 1 };
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const product = (matrix: readonly number[], row: number, vector: readonly number[]) =>
  vector.reduce((sum, value, i) => sum + value * matrix[row * vector.length + i], 0);

function operandsOf(layer: Layer) {
  const { cell, steps, batch, input, width, projected = width, bias, batchFirst } = layer;
  const rows = gatesOf[cell] * width;
  const of = (shape: readonly number[], seed: number) => uniform(shape, -0.7, 0.7, seed);
  return {
    x: of(batchFirst ? [batch, steps, input] : [steps, batch, input], 1),
    ih: of([rows, input], 2),
    hh: of([rows, projected], 3),
    bih: bias ? of([rows], 4) : null,
    bhh: bias ? of([rows], 5) : null,
    hr: layer.projected === undefined ? null : of([projected, width], 6),
    h: layer.hasState ? of([batch, projected], 7) : null,
    c: layer.hasState ? of([batch, width], 8) : null,
    lengths: layer.lengths ? Tensor.from('int64', layer.lengths) : null,
  };
}

/** PyTorch's formulas in float64, one sequence after the other: the states, the last state and the last cell state. */
function reference(layer: Layer, given: ReturnType<typeof operandsOf>): number[][] {
  const { cell, steps, batch, input, width, projected = width } = layer;
  const [ih, hh] = [given.ih.toArray(), given.hh.toArray()];
  const [bih, bhh] = [given.bih?.toArray() ?? [], given.bhh?.toArray() ?? []];
  const [x, hr] = [given.x.toArray(), given.hr?.toArray()];
  const row = (t: number, n: number) => (layer.batchFirst ? n * steps + t : t * batch + n);
  const states = new Array<number>(steps * batch * projected).fill(0);
  const ends: number[] = [];
  const cells: number[] = [];
  for (let n = 0; n < batch; n++) {
    let h = Array.from({ length: projected }, (_, i) => Number(given.h?.data[n * projected + i] ?? 0));
    let c = Array.from({ length: width }, (_, i) => Number(given.c?.data[n * width + i] ?? 0));
    const length = layer.lengths?.[n] ?? steps;
    for (let i = 0; i < length; i++) {
      const t = layer.reverse ? length - 1 - i : i;
      const at = x.slice(row(t, n) * input, (row(t, n) + 1) * input);
      const ofInput = (gate: number, j: number) =>
        product(ih, gate * width + j, at) + (bih[gate * width + j] ?? 0);
      const ofState = (gate: number, j: number) =>
        product(hh, gate * width + j, h) + (bhh[gate * width + j] ?? 0);
      const sum = (gate: number, j: number) => ofInput(gate, j) + ofState(gate, j);
      const all = [...Array(width).keys()];
      const next = all.map((j) => {
        if (cell === 'tanh') return Math.tanh(sum(0, j));
        if (cell === 'relu') return Math.max(sum(0, j), 0);
        if (cell === 'gru') {
          const candidate = Math.tanh(ofInput(2, j) + sigmoid(sum(0, j)) * ofState(2, j));
          const update = sigmoid(sum(1, j));
          return (1 - update) * candidate + update * h[j];
        }
        return sigmoid(sum(3, j));
      });
      if (cell === 'lstm') {
        c = all.map((j) => sigmoid(sum(1, j)) * c[j] + sigmoid(sum(0, j)) * Math.tanh(sum(2, j)));
        const output = next.map((gate, j) => gate * Math.tanh(c[j]));
        h = hr ? Array.from({ length: projected }, (_, j) => product(hr, j, output)) : output;
      } else h = next;
      h.forEach((value, j) => {
        states[row(t, n) * projected + j] = value;
      });
    }
    ends.push(...h);
    cells.push(...c);
  }
  return cell === 'lstm' ? [states, ends, cells] : [states, ends];
}

const base: Layer = {
  ...{ cell: 'lstm', steps: 6, batch: 3, input: 5, width: 7 },
  ...{ bias: true, reverse: false, batchFirst: false, hasState: true },
};
const layers: readonly [string, Layer][] = (['lstm', 'gru', 'tanh', 'relu'] as const).flatMap((cell) => [
  [`${cell}`, { ...base, cell }],
  [`${cell}, reversed, batch first`, { ...base, cell, reverse: true, batchFirst: true }],
  [`${cell} without biases and first states`, { ...base, cell, bias: false, hasState: false }],
  [`${cell} of sequences that end`, { ...base, cell, lengths: [4, 0, 6], batchFirst: true }],
  [`${cell} of sequences that end, reversed`, { ...base, cell, lengths: [4, 0, 6], reverse: true }],
  [`${cell}, wide`, { ...base, cell, steps: 11, batch: 17, input: 33, width: 40 }],
  [`${cell} of one number`, { ...base, cell, steps: 2, batch: 1, input: 1, width: 1 }],
]);
const projecting: readonly [string, Layer][] = [
  ['lstm with a projection', { ...base, projected: 4 }],
  [
    'lstm with a projection of sequences that end, reversed',
    { ...base, projected: 3, lengths: [4, 0, 6], reverse: true },
  ],
];

/**
 * Of float32 sums of up to 73 products, in another order than the reference's. Each step feeds the next, and the wide layers multiply a rounding by
 * up to 3 a step: over 11 steps from 2^-24 to some 1e-5. A wrong gate or state differs by more than 1e-2.
 */
const tolerance = 1e-4;

/** The graph of one layer; tensors are inputs, or all but the first constants. */
function graphOf(layer: Layer, given: ReturnType<typeof operandsOf>, constants: boolean) {
  const b = new GraphBuilder();
  const inputs: Tensor[] = [];
  let constant = 0;
  const node = (tensor: Tensor | null, isConstant = constants) => {
    if (!tensor) return null;
    if (isConstant) return b.constant(`w${constant++}`, tensor);
    inputs.push(tensor);
    return b.input(`x${inputs.length}`, tensor.shape, tensor.dtype);
  };
  const x = node(given.x, false);
  const weights = [given.ih, given.hh, given.bih, given.bhh].map((tensor) => node(tensor));
  const middle = layer.cell === 'lstm' ? [node(given.hr)] : layer.cell === 'gru' ? [] : [layer.cell];
  const states = [given.h, ...(layer.cell === 'lstm' ? [given.c] : [])].map((tensor) => node(tensor, false));
  const rest = [node(given.lengths, false), layer.reverse, layer.batchFirst];
  const name = layer.cell === 'lstm' || layer.cell === 'gru' ? layer.cell : 'rnn';
  const call = b.call(`octavo.${name}_layer.default`, x, ...weights, ...middle, ...states, ...rest);
  const count = layer.cell === 'lstm' ? 3 : 2;
  const module = b.finish(...Array.from({ length: count }, (_, i) => b.call('operator.getitem', call, i)));
  return { module, inputs };
}

describe('a recurrent layer', () => {
  it.each([...layers, ...projecting])('%s', (_, layer) => {
    const given = operandsOf(layer);
    const expected = reference(layer, given);
    for (const constants of [true, false]) {
      const { module, inputs } = graphOf(layer, given, constants);
      const plan = build(module);
      for (const results of [new Interpreter(module, operators).run(inputs), execute(plan, inputs)])
        for (const [i, result] of results.entries())
          expect(relativeError(result.toArray(), expected[i])).toBeLessThan(tolerance);
    }
  });

  it('computes in float32 what is stored in bfloat16', () => {
    const given = operandsOf(base);
    const each = (of: (tensor: Tensor) => Tensor) =>
      Object.fromEntries(
        Object.entries(given).map(([name, tensor]) => [name, tensor && of(tensor)]),
      ) as ReturnType<typeof operandsOf>;
    const narrow = each(toBf16);
    const wide = each((tensor) => Tensor.from('float32', valuesOf(toBf16(tensor)), tensor.shape));
    const { module, inputs } = graphOf(base, narrow, true);
    const expected = reference(base, wide);
    for (const [i, result] of execute(build(module), inputs).entries()) {
      expect(result.dtype).toBe('bfloat16');
      // One rounding to 8 bits, of each result.
      for (const [j, value] of valuesOf(result).entries())
        expect(Math.abs(value - expected[i][j])).toBeLessThanOrEqual(
          2 ** -8 * Math.abs(expected[i][j]) + 1e-5,
        );
    }
  });

  it('writes 0 for what follows a sequence that has ended, whatever was there', () => {
    const layer = { ...base, lengths: [4, 0, 6], reverse: true };
    const given = operandsOf(layer);
    const { module, inputs } = graphOf(layer, given, true);
    using model = compile(lower(module).module);
    const [expected] = reference(layer, given);
    const filled = model.outputs.map(({ name, shape }) => {
      const extents = shape.map(Number);
      const count = extents.reduce((product, extent) => product * extent, 1);
      return [name, Tensor.from('float32', new Array<number>(count).fill(9), extents)] as const;
    });
    const outputs = Object.fromEntries(filled);
    model.runSync(Object.fromEntries(model.inputs.map(({ name }, i) => [name, inputs[i]])), { outputs });
    const [[, states]] = filled;
    expect(relativeError(states.toArray(), expected)).toBeLessThan(tolerance);
  });

  it('refuses lengths beyond the sequences, when it runs', () => {
    const layer = { ...base, lengths: [4, 7, 1] };
    const { module, inputs } = graphOf(layer, operandsOf(layer), true);
    expect(() => new Interpreter(module, operators).run(inputs)).toThrow(
      /length 1 is 7, but sequences have 0 to 6 steps/,
    );
  });

  const meta = (...shape: number[]): TensorMeta => ({ dtype: 'float32', shape });
  it.each<[string, readonly unknown[], RegExp]>([
    ['no sequences', [meta(3, 5), meta(28, 5), meta(28, 7)], /must be sequences of vectors/],
    ['rows that make no gates', [meta(6, 3, 5), meta(27, 5), meta(27, 7)], /4 rows for each element/],
    ['other inputs', [meta(6, 3, 5), meta(28, 6), meta(28, 7)], /weight_ih must be \[28, 5\]/],
    ['one bias alone', [meta(6, 3, 5), meta(28, 5), meta(28, 7), meta(28)], /both biases or none/],
    [
      'a state of another batch',
      [meta(6, 3, 5), meta(28, 5), meta(28, 7), null, null, null, meta(2, 7), meta(3, 7)],
      /h_0 must be \[3, 7\]/,
    ],
  ])('refuses %s', (_, args, message) => {
    const operator = operators.get('octavo.lstm_layer.default');
    const given = [...args, ...Array(9 - args.length).fill(null), false, false];
    expect(() => operator.infer(Arguments.bind<TensorMeta>(operator.schema, given))).toThrow(message);
  });
});

describe('recurrent networks that are refused', () => {
  const x = uniform([4, 2, 3], -1, 1, 1);
  const weights = (b: GraphBuilder) => [b.parameter('w', [12, 3]), b.parameter('w', [12, 3])];

  it('in training mode with dropout', () => {
    expect(() =>
      decomposedGraph([x], (b, input) => {
        const state = b.constant('h', Tensor.zeros('float32', [1, 2, 3]));
        const call = b.call(
          'aten.lstm.input',
          input,
          [state, state],
          weights(b),
          false,
          1,
          0.5,
          true,
          false,
          false,
        );
        return [b.call('operator.getitem', call, 0)];
      }),
    ).toThrow(/training mode; call eval\(\) before export/);
  });

  it('of packed sequences', () => {
    expect(() =>
      decomposedGraph([x], (b, input) => {
        const state = b.constant('h', Tensor.zeros('float32', [1, 2, 3]));
        const call = b.call(
          'aten.lstm.data',
          input,
          input,
          [state, state],
          weights(b),
          false,
          1,
          0,
          false,
          false,
        );
        return [b.call('operator.getitem', call, 0)];
      }),
    ).toThrow(/packed sequences .* are not supported; pass padded sequences/);
  });

  it('whose weights make no layers', () => {
    expect(() =>
      decomposedGraph([x], (b, input) => {
        const state = b.constant('h', Tensor.zeros('float32', [2, 2, 3]));
        const call = b.call('aten.gru.input', input, state, weights(b), false, 2, 0, false, false, false);
        return [b.call('operator.getitem', call, 0)];
      }),
    ).toThrow(/2 weights do not make 2 layers/);
  });
});
