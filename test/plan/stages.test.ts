import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter, type Node, SymInt } from '../../lib/graph/index.ts';
import { divideIntoStages } from '../../lib/plan/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

/** Targets of the calls of each stage. */
const calls = (module: GraphModule): string[][] =>
  divideIntoStages(module).stages.map(({ module: { graph } }) =>
    graph.nodes.filter(({ op }) => op === 'call_function').map(({ target }) => target.split('.')[1]),
  );

/** Node by node and compiled: the same. */
function expectComputed(module: GraphModule, ...inputs: readonly Tensor[]): readonly Tensor[] {
  const expected = new Interpreter(module, operators).run(inputs);
  using model = compile(module);
  const results = Object.values(model.runSync(inputs));
  expect(results.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  expect(results.map((tensor) => tensor.toArray())).toEqual(expected.map((tensor) => tensor.toArray()));
  return results;
}

const where = (b: GraphBuilder, mask: Node): Node =>
  b.call('aten.select.int', b.call('aten.nonzero.default', mask), 1, 0);

const list = (values: readonly number[]) => Tensor.from('float32', values);

describe('a graph as stages', () => {
  it('is one where no values decide sizes: the graph itself', () => {
    const b = new GraphBuilder();
    const module = b.finish(b.call('aten.relu.default', b.input('x', [4])));
    const { stages, outputs } = divideIntoStages(module);
    expect(stages.map((stage) => stage.module)).toEqual([module]);
    expect([stages[0].inputs, stages[0].counted, outputs]).toEqual([[0], [false], [1]]);
  });

  it('begins another after each count, and finds what it can at once', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [6]);
    const [positive, large] = [0, 1].map((least) => b.call('aten.gt.Scalar', x, least));
    const left = b.call('aten.index_select.default', x, 0, where(b, positive));
    const again = b.call('aten.index_select.default', left, 0, where(b, b.call('aten.lt.Scalar', left, 2)));
    const module = b.finish(again, where(b, large), b.call('aten.abs.default', x));
    expect(calls(module)).toEqual([
      ['gt', 'gt', 'nonzero', 'nonzero', 'abs'],
      ['select', 'index_select', 'lt', 'nonzero', 'select'],
      ['select', 'index_select'],
    ]);
    const results = expectComputed(module, list([1, -1, 3, 0, 0.5, 4]));
    expect(results.map((tensor) => tensor.toArray().map(Number))).toEqual([
      [1, 0.5],
      [2, 5],
      [1, 1, 3, 0, 0.5, 4],
    ]);
    for (const none of [list([-1, -1, -1, -1, -1, -1]), list([3, 3, 3, 3, 3, 3])])
      expectComputed(module, none);
  });

  it('has constants, and what is computed from them alone, where they are needed', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [5]);
    const table = b.call('aten.mul.Tensor', b.parameter('table', [5]), b.parameter('scale', [5]));
    const places = where(b, b.call('aten.gt.Scalar', x, 0));
    const module = b.finish(
      b.call('aten.add.Tensor', x, table),
      b.call('aten.index_select.default', table, 0, places),
    );
    expect(calls(module)[1]).toContain('mul');
    expectComputed(module, uniform([5], -1, 1, 3));
  });

  it('reads sizes of inputs and of counts in later stages without handing tensors over', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [new SymInt(['s0']), 3]);
    const doubled = b.call('aten.mul.Scalar', x, 2);
    const size = b.call('aten.sym_size.int', doubled, 0);
    const found = b.call('aten.nonzero.default', b.call('aten.gt.Scalar', doubled, 0));
    const count = b.call('aten.sym_size.int', found, 0);
    const total = b.call('operator.add', size, count);
    const module = b.finish(b.call('aten.full.default', [total], 7));
    const [, last] = divideIntoStages(module).stages;
    expect(last.module.graph.placeholders.map(({ name }) => name)).toEqual(['x', found.name]);
    for (const rows of [1, 4])
      expect(expectComputed(module, uniform([rows, 3], -1, 1, rows))[0].shape[0]).toBeGreaterThan(rows);
  });

  it('checks conditions on what values decide when they are decided', () => {
    const b = new GraphBuilder();
    const found = b.call('aten.nonzero.default', b.input('x', [6]));
    const fits = b.call('operator.le', b.call('aten.sym_size.int', found, 0), 3);
    b.call('aten._assert_scalar.default', fits, 'at most three elements may be set');
    const module = b.finish(found);
    expectComputed(module, list([0, 1, 0, 2, 3, 0]));
    using model = compile(module);
    expect(() => model.runSync(list([1, 1, 1, 1, 0, 0]))).toThrow(/at most three elements may be set/);
  });

  it('returns inputs, constants, and one result twice', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [4]);
    const found = b.call('aten.nonzero.default', x);
    const rows = b.call('aten.select.int', found, 1, 0);
    const module = b.finish(x, b.parameter('c', [2]), found, rows);
    expectComputed(module, list([0, 2, 3, 0]));
  });

  it('decides over constants when a plan is made', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [4]);
    const places = where(b, b.constant('mask', Tensor.from('bool', [1, 0, 1, 1])));
    const module = b.finish(b.call('aten.index_select.default', x, 0, places));
    expect(expectComputed(module, list([1, 2, 3, 4]))[0].toArray()).toEqual([1, 3, 4]);
  });

  it('says which counts do not fit together', () => {
    const b = new GraphBuilder();
    const [x, y] = [b.input('x', [4]), b.input('y', [4])];
    const module = b.finish(b.call('aten.add.Tensor', where(b, x), where(b, y)));
    expectComputed(module, list([0, 2, 3, 0]), list([1, 1, 0, 0]));
    using model = compile(module);
    expect(() => model.runSync([list([0, 2, 3, 0]), list([1, 1, 1, 0])])).toThrow(
      /node 'add_tensor'.*shapes \[2\] and \[3\] do not broadcast/,
    );
  });
});

describe('operators after a count of 0', () => {
  const image = [0, 3, 8, 8];
  const cases: readonly [string, readonly number[], (b: GraphBuilder, x: Node) => Node][] = [
    [
      'conv2d',
      image,
      (b, x) => b.call('aten.conv2d.default', x, b.parameter('w', [4, 3, 3, 3]), b.parameter('v', [4])),
    ],
    [
      'linear',
      [0, 5],
      (b, x) => b.call('aten.linear.default', x, b.parameter('w', [4, 5]), b.parameter('v', [4])),
    ],
    ['matmul', [0, 5], (b, x) => b.call('aten.matmul.default', x, b.parameter('w', [5, 4]))],
    ['bmm', [0, 2, 5], (b, x) => b.call('aten.bmm.default', x, b.call('aten.transpose.int', x, 1, 2))],
    ['softmax', [0, 5], (b, x) => b.call('aten.softmax.int', x, 1)],
    ['layer_norm', [0, 5], (b, x) => b.call('aten.layer_norm.default', x, [5])],
    ['max_pool2d', image, (b, x) => b.call('aten.max_pool2d.default', x, [2, 2])],
    ['avg_pool2d', image, (b, x) => b.call('aten.adaptive_avg_pool2d.default', x, [1, 1])],
    ['upsample', image, (b, x) => b.call('aten.upsample_bilinear2d.vec', x, [4, 4], false, null)],
    ['sort', [0], (b, x) => b.call('operator.getitem', b.call('aten.sort.default', x, 0, true), 0)],
    ['topk', [0], (b, x) => b.call('operator.getitem', b.call('aten.topk.default', x, 0), 1)],
    ['argmax', [0, 5], (b, x) => b.call('aten.argmax.default', x, 1)],
    ['cumsum', [0], (b, x) => b.call('aten.cumsum.default', x, 0)],
    ['sum', [0, 5], (b, x) => b.call('aten.sum.dim_IntList', x, [0])],
    ['any', [0, 5], (b, x) => b.call('aten.any.dim', b.call('aten.gt.Scalar', x, 0), 0)],
    ['amax', [0, 5], (b, x) => b.call('aten.amax.default', x, [1])],
    ['cat', [0, 5], (b, x) => b.call('aten.cat.default', [x, b.parameter('w', [2, 5])], 0)],
    [
      'where',
      [0, 5],
      (b, x) => b.call('aten.where.self', b.call('aten.gt.Scalar', x, 0), x, b.call('aten.neg.default', x)),
    ],
    [
      'gather',
      [0, 5],
      (b, x) => b.call('aten.gather.default', x, 1, b.call('aten.argmax.default', x, 1, true)),
    ],
    ['permute', [0, 5], (b, x) => b.call('aten.clone.default', b.call('aten.transpose.int', x, 0, 1))],
    ['gelu', [0, 5], (b, x) => b.call('aten.gelu.default', x)],
    ['to', [0, 5], (b, x) => b.call('aten.to.dtype', x, 'int64')],
    ['nonzero', [0, 5], (b, x) => b.call('aten.nonzero.default', x)],
    ['nms', [0, 4], (b, x) => b.call('torchvision.nms.default', x, b.call('aten.select.int', x, 1, 0), 0.5)],
    ['flatten', image, (b, x) => b.call('aten.relu.default', b.call('aten.flatten.using_ints', x, 1))],
  ];

  it.each(cases)('%s', (_, shape, write) => {
    const b = new GraphBuilder();
    const rest = shape.slice(1);
    const x = b.input('x', [3, ...rest]);
    const none = where(b, b.call('aten.gt.Scalar', b.input('mask', [3]), 0));
    const module = b.finish(write(b, b.call('aten.index_select.default', x, 0, none)));
    expectComputed(module, uniform([3, ...rest], -1, 1, 5), list([-1, -1, -1]));
  });
});
