import { describe, expect, it } from 'vitest';
import { compile, exportModel, lower, quantizeDynamic } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import {
  call,
  exported,
  inputsOf,
  largestDifference,
  named,
  networkOf,
  type RecurrentCase,
} from '../support/recurrent.ts';

const base: Omit<RecurrentCase, 'cell' | 'input' | 'hidden'> = {
  ...{ seed: 1, batch: 1, steps: 1, numLayers: 1, bidirectional: false },
  ...{ bias: true, batchFirst: true, hasState: true },
};

describe('a network that is called for a few steps at a time', () => {
  const sizes = { input: 6, hidden: 20, batch: 2 };
  const lengths = [5, 1, 1, 7, 3];
  const steps = lengths.reduce((sum, length) => sum + length, 0);

  /** Keeps its states outside, as inputs and results. */
  class Streamed extends nn.Module {
    readonly network = new nn.LSTM(sizes.input, sizes.hidden, { numLayers: 2 });

    override forward(x: nn.Value, h: nn.Value, c: nn.Value): readonly nn.Value[] {
      return this.network.call(x, h, c);
    }
  }

  it("gives the whole sequence's results, and writes them where the caller wants", () => {
    nn.manualSeed(3);
    const model = new Streamed().eval();
    const zeros = () => Tensor.zeros('float32', [2, sizes.batch, sizes.hidden]);
    const x = nn.init.uniform([steps, sizes.batch, sizes.input], -1, 1);
    const [whole, lastState, lastCell] = model.call(x, zeros(), zeros()) as readonly Tensor[];
    const example = { x, h: zeros(), c: zeros() };
    const dynamic = { dynamicShapes: { x: { 0: { name: 'steps' } } } };
    using compiled = compile(lower(exportModel(model, example, dynamic)).module);
    const [results, hidden, cell] = compiled.outputs.map(({ name }) => name);
    // Two pairs of states take turns: what one call writes, the next one reads.
    let [before, after] = [0, 1].map(() => ({ h: zeros(), c: zeros() }));
    const streamed: number[] = [];
    for (let at = 0, i = 0; i < lengths.length; at += lengths[i], i++) {
      const [from, to] = [at, at + lengths[i]].map((step) => step * sizes.batch * sizes.input);
      const part = new Tensor('float32', x.data.slice(from, to) as Float32Array, [
        lengths[i],
        sizes.batch,
        sizes.input,
      ]);
      const states = Tensor.zeros('float32', [lengths[i], sizes.batch, sizes.hidden]);
      const given = { [results]: states, [hidden]: after.h, [cell]: after.c };
      const written = compiled.runSync({ x: part, ...before }, { outputs: given });
      expect(written[hidden].data).toBe(after.h.data);
      streamed.push(...states.toArray().map(Number));
      [before, after] = [after, before];
    }
    // The same sums in another order where a product has one row: some units in the last place.
    expect(
      largestDifference(Tensor.from('float32', streamed, [steps, sizes.batch, sizes.hidden]), whole),
    ).toBeLessThan(2e-6);
    expect(largestDifference(before.h, lastState)).toBeLessThan(2e-6);
    expect(largestDifference(before.c, lastCell)).toBeLessThan(2e-6);
  });
});

describe('recurrent cells', () => {
  it.each(['LSTM', 'GRU', 'RNN'] as const)('are the steps of %s', (cell) => {
    nn.manualSeed(5);
    const network = networkOf({ ...base, cell, input: 3, hidden: 5, numLayers: 1, bidirectional: false });
    const cells = { LSTM: nn.LSTMCell, GRU: nn.GRUCell, RNN: nn.RNNCell };
    const single = new cells[cell](3, 5).eval();
    expect(single.namedParameters().map(([name]) => name)).toEqual([
      'weight_ih',
      'weight_hh',
      'bias_ih',
      'bias_hh',
    ]);
    single.loadStateDict(
      new Map([...network.stateDict()].map(([name, tensor]) => [name.replace('_l0', ''), tensor])),
    );
    const x = nn.init.uniform([4, 3], -1, 1);
    // A sequence without a batch.
    const [states] = call(network, [x]) as readonly Tensor[];
    let last: readonly nn.Value[] = [];
    for (let step = 0; step < 4; step++) {
      const input = new Tensor('float32', x.data.slice(3 * step, 3 * step + 3) as Float32Array, [3]);
      const next = call(single, [input, ...last]);
      last = Array.isArray(next) ? next : [next as nn.Value];
      const expected = states.data.slice(5 * step, 5 * step + 5) as Float32Array;
      expect(largestDifference(last[0] as Tensor, new Tensor('float32', expected, [5]))).toBeLessThan(2e-6);
    }
  });
});

describe('recurrent modules', () => {
  it("have PyTorch's names for their weights", () => {
    const options = { numLayers: 2, bidirectional: true, projSize: 2 };
    const shapes = [...new nn.LSTM(3, 4, options).stateDict()].map(([name, { shape }]) => [name, ...shape]);
    const layer = (end: string, input: number) => [
      [`weight_ih_${end}`, 16, input],
      [`weight_hh_${end}`, 16, 2],
      [`bias_ih_${end}`, 16],
      [`bias_hh_${end}`, 16],
      [`weight_hr_${end}`, 2, 4],
    ];
    expect(shapes).toEqual([
      ...layer('l0', 3),
      ...layer('l0_reverse', 3),
      ...layer('l1', 4),
      ...layer('l1_reverse', 4),
    ]);
    expect([...new nn.GRU(3, 4, { bias: false }).stateDict().keys()]).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
    ]);
  });

  it('refuse what makes no network', () => {
    expect(() => new nn.LSTM(0, 4)).toThrow(/LSTM: inputSize must be a whole number from 1, got 0/);
    expect(() => new nn.LSTM(3, 4, { projSize: 4 })).toThrow(
      /projSize must be from 0 to less than hiddenSize/,
    );
    expect(() => new nn.GRU(3, 4, { numLayers: 1.5 })).toThrow(/GRU: numLayers/);
    expect(() => new nn.RNN(3, 4, { dropout: 2 })).toThrow(/RNN: dropout must be from 0 to 1, got 2/);
    const cell: nn.GRUCell = new nn.GRUCell(3, 4);
    expect(() => cell.call(Tensor.zeros('float32', [2, 4]))).toThrow(/the input must be \[3\] or \[n, 3\]/);
  });

  it('refuse inputs and states that do not fit', () => {
    const lstm = new nn.LSTM(3, 4, { batchFirst: true });
    const zeros = (...shape: number[]) => Tensor.zeros('float32', shape);
    expect(() => lstm.call(zeros(2, 5, 4))).toThrow(
      /\[t, 3\] or, with a batch, \[n, t, 3\], got \[2, 5, 4\]/,
    );
    expect(() => lstm.call(zeros(2, 5, 3), zeros(1, 2, 4))).toThrow(/all first states or none/);
    expect(() => lstm.call(zeros(2, 5, 3), zeros(2, 2, 4), zeros(2, 2, 4))).toThrow(
      /the first of 1 \(layers/,
    );
    expect(() => lstm.call(zeros(2, 5, 3), zeros(1, 3, 4), zeros(1, 3, 4))).toThrow(/h_0 must be \[2, 4\]/);
  });

  it('are run with dropout between layers in evaluation alone, as all modules are', () => {
    const x = Tensor.zeros('float32', [2, 1, 3]);
    const gru = new nn.GRU(3, 4, { numLayers: 2, dropout: 0.5 });
    expect(() => lower(exportModel(gru, { x }))).toThrow(/in training mode; call eval\(\) before export/);
    expect(exportModel(gru.eval(), { x }).graph.nodes.map(({ target }) => target)).not.toContain(
      'aten.dropout.default',
    );
  });
});

/** Weights as bfloat16 stores them: 8 bits of each. */
function rounded(network: nn.Module): nn.Module {
  const isWeight = (name: string) => /weight_[ih]h/.test(name);
  const toBfloat16 = (x: Tensor) => {
    const narrow = nn.functional.to(x, 'bfloat16');
    return nn.functional.to(narrow, 'float32') as Tensor;
  };
  network.loadStateDict(
    new Map([...network.stateDict()].map(([name, x]) => [name, isWeight(name) ? toBfloat16(x) : x])),
  );
  return network;
}

describe('recurrent networks under autocast to bfloat16', () => {
  it.each(['LSTM', 'GRU', 'RNN'] as const)('%s reads its weights in 16 bits, and adds in float32', (cell) => {
    const c: RecurrentCase = { ...base, cell, input: 21, hidden: 35, batch: 2, steps: 9, numLayers: 2 };
    const network = networkOf(c);
    const inputs = inputsOf(c);
    const { module } = lower(exported(network, inputs), { autocast: { dtype: 'bfloat16', force: true } });
    using model = compile(module);
    expect(model.plan(Object.fromEntries(inputs.map((x, i) => [`x${i}`, x.shape]))).steps).toContainEqual(
      expect.objectContaining({ implementation: expect.stringMatching(/^octavo:bf16_weight_recurrence/) }),
    );
    const actual = Object.values(model.runSync(named(inputs)));
    for (const [i, expected] of (call(rounded(network), inputs) as readonly Tensor[]).entries())
      expect(largestDifference(actual[i], expected)).toBeLessThan(2e-6);
  });
});

describe('a recurrent layer on several threads', () => {
  it.each([
    ['float32', false],
    ['integers', true],
  ] as const)('gives the same bits as on one: %s', async (_, isQuantized) => {
    // Large enough that a second thread is worth it.
    const c: RecurrentCase = {
      ...base,
      cell: 'LSTM',
      input: 24,
      hidden: 200,
      batch: 16,
      steps: 12,
      hasState: false,
    };
    const network = networkOf(c);
    const inputs = inputsOf(c);
    const results: number[][] = [];
    for (const threadsPerStream of [1, 2, 3]) {
      const captured = exported(network, inputs);
      using model = isQuantized
        ? await quantizeDynamic(captured, { threadsPerStream })
        : compile(lower(captured).module, { threadsPerStream });
      const [states] = Object.values(await model.run(named(inputs)));
      results.push(states.toArray().map(Number));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});
