import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { addDims, type GraphModule, Interpreter, mulDims, SymInt } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile, loadModel } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';

const folder = mkdtempSync(join(tmpdir(), 'octavo-sizes-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [batch, length] = [new SymInt(['s0']), new SymInt(['s1'])];
const MAX = Number.MAX_SAFE_INTEGER;

/** Everything from the first token's successor on, doubled; the last token; half of the tokens by a computed bound. */
function slicing(): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [batch, length, 3]);
  const size = b.call('aten.sym_size.int', x, 1);
  const rest = b.call('aten.mul.Scalar', b.call('aten.slice.Tensor', x, 1, 1, MAX), 2);
  const last = b.call('aten.relu.default', b.call('aten.select.int', x, 1, -1));
  const half = b.call('operator.floordiv', size, 2);
  const first = b.call('aten.rsub.Scalar', b.call('aten.slice.Tensor', x, 1, 0, half), 0);
  // Rows of the batch and its tokens together, as nn.MultiheadAttention makes them.
  const rows = b.call('operator.mul', b.call('aten.sym_size.int', x, 0), b.call('operator.sub', size, 1));
  const flat = b.call('aten.abs.default', b.call('aten.reshape.default', rest, [rows, 3]));
  return b.finish(rest, last, first, flat);
}

/** The same on nested arrays. */
function slicedByHand(x: number[][][]): number[][] {
  const rest = x.map((rows) => rows.slice(1).map((row) => row.map((value) => value * 2)));
  const last = x.map((rows) => rows.at(-1)!.map((value) => Math.max(value, 0)));
  const first = x.map((rows) => rows.slice(0, rows.length >> 1).map((row) => row.map((value) => 0 - value)));
  return [rest.flat(2), last.flat(), first.flat(2), rest.flat(2).map(Math.abs)].map((list) =>
    list.map((value) => value + 0),
  );
}

function request(n: number, tokens: number): { x: Tensor; expected: number[][] } {
  const nested = Array.from({ length: n }, (_, i) =>
    Array.from({ length: tokens }, (_, j) => [0, 1, 2].map((k) => ((i * 7 + j * 5 + k * 3) % 11) - 5)),
  );
  return { x: Tensor.from('float32', nested.flat(2), [n, tokens, 3]), expected: slicedByHand(nested) };
}

const values = (tensors: readonly Tensor[]) =>
  tensors.map((tensor) => tensor.toArray().map((value) => Number(value) + 0));
const requests = [request(2, 5), request(1, 2), request(3, 8), request(2, 5), request(4, 1)];

describe('a model that computes with the sizes of a request', () => {
  it('runs node by node', () => {
    const interpreter = new Interpreter(slicing(), operators);
    for (const { x, expected } of requests) expect(values(interpreter.run([x]))).toEqual(expected);
  });

  it('runs compiled, for one request of any size after another, also when it was loaded', async () => {
    const path = join(folder, 'slicing.octavo');
    using model = compile(lower(slicing()).module);
    expect(model.outputs.map(({ shape }) => `[${shape.join(', ')}]`)).toEqual([
      '[s0, s1 - 1, 3]',
      '[s0, 3]',
      '[s0, (s1//2), 3]',
      '[s0*s1 - s0, 3]',
    ]);
    await model.save(path);
    using loaded = await loadModel(path);
    expect(loaded.outputs).toEqual(model.outputs);
    for (const { x, expected } of requests)
      for (const each of [model, loaded]) expect(values(Object.values(each.runSync(x)))).toEqual(expected);
  });

  it('computes again, for every size, all constants that follow from sizes, however many steps later', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [length]);
    const numbers = b.call('aten.arange.default', b.call('aten.sym_size.int', x, 0));
    const sum = b.call('aten.sum.default', b.call('aten.neg.default', b.call('aten.neg.default', numbers)));
    const twice = b.call('aten.mul.Scalar', b.call('aten.unsqueeze.default', numbers, 0), 2);
    using model = compile(lower(b.finish(b.call('aten.add.Tensor', x, sum), twice)).module);
    for (const size of [3, 5, 2, 5, 3]) {
      const results = values(Object.values(model.runSync(Tensor.zeros('float32', [size]))));
      const wanted = Array.from({ length: size }, (_, i) => i);
      expect(results).toEqual([wanted.map(() => (size * (size - 1)) / 2), wanted.map((i) => 2 * i)]);
    }
  });

  it('takes an input whose size is worked out from another', async () => {
    const b = new GraphBuilder();
    const p = b.input('p', [length]);
    const q = b.input('q', [addDims(mulDims(2, length), 1)]);
    const module = b.finish(b.call('aten.neg.default', p), b.call('aten.neg.default', q));
    const path = join(folder, 'odd.octavo');
    await compile(module).save(path);
    using model = await loadModel(path);
    const of = (size: number) => Tensor.zeros('float32', [size]);
    await model.run({ p: of(3), q: of(7) });
    const refused = (p: number, q: number) => expect(model.run({ p: of(p), q: of(q) })).rejects;
    await refused(3, 9).toThrow("'q' must be float32[2*s1 + 1], got float32[9]: s1 is 3 in input 'p'");
    await refused(3, 8).toThrow("'q' must be float32[2*s1 + 1] with 2*s1 a multiple of 2, got float32[8]");
  });

  it('refuses sizes of which the model asserts otherwise', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [length]);
    const enough = b.call('operator.ge', b.call('aten.sym_size.int', x, 0), 3);
    b.call('aten._assert_scalar.default', enough, 'Runtime assertion failed for s1 >= 3');
    const module = b.finish(b.call('aten.relu.default', x));
    using model = compile(lower(module).module);
    const run = (size: number) => model.runSync(Tensor.zeros('float32', [size]));
    expect(Object.values(run(3))[0].shape).toEqual([3]);
    expect(() => run(2)).toThrow('Runtime assertion failed for s1 >= 3');
    expect(() => new Interpreter(module, operators).run([Tensor.zeros('float32', [2])])).toThrow(
      'Runtime assertion failed for s1 >= 3',
    );
  });

  it('computes again what is computed from a tensor of sizes, for every size', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [length]);
    const size = b.call('aten.full.default', [1], b.call('aten.sym_size.int', x, 0));
    const last = b.call('aten.sub.Scalar', b.call('aten.mul.Scalar', size, 2), 1);
    using model = compile(b.finish(b.call('aten.add.Tensor', x, last)));
    for (const extent of [3, 2, 5, 3]) {
      const [y] = Object.values(model.runSync(Tensor.zeros('float32', [extent])));
      expect(y.toArray()).toEqual(Array(extent).fill(2 * extent - 1));
    }
  });

  it('computes a batch in parts where sizes only say how rows are grouped', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [batch, 4, 6]);
    const rows = b.call('operator.mul', b.call('aten.sym_size.int', x, 0), 2);
    const heads = b.call('aten.relu.default', b.call('aten.view.default', x, [rows, 2, 6]));
    const module = b.finish(b.call('aten.view.default', heads, [-1, 4, 6]));
    using model = compile(module);
    const input = Tensor.from(
      'float32',
      Array.from({ length: 3 * 24 }, (_, i) => (i % 7) - 3),
      [3, 4, 6],
    );
    const [y] = Object.values(model.runSync(input));
    expect(y.toArray()).toEqual(input.toArray().map((value) => Math.max(Number(value), 0)));
  });
});
