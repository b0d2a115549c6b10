import { describe, expect, test } from 'vitest';
import { differentiate } from '../../lib/autograd/differentiate.ts';
import type { Argument, Node } from '../../lib/graph/index.ts';
import { GraphEditor } from '../../lib/transforms/editor.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

/** Writes calls whose dtypes and shapes are known at once. */
function editing(builder: GraphBuilder) {
  builder.graph.output([]);
  const editor = new GraphEditor(builder.module);
  const place = { before: builder.graph.outputNode };
  return {
    call: (target: string, ...args: readonly Argument[]) => editor.call(target, args, place),
    parameter: (name: string, ...shape: readonly number[]) =>
      editor.constant(name, uniform(shape, -1, 1, 1), place),
    item: (results: Node, index: number) => editor.item(results, index, place),
    editor,
  };
}

/** Three convolutions with batch norms in evaluation mode, and a classifier. */
function network() {
  const builder = new GraphBuilder();
  const input = builder.input('x', [2, 3, 8, 8]);
  const { call, parameter } = editing(builder);
  const weights: Node[] = [];
  let x = input;
  [4, 4, 6].forEach((channels, i) => {
    const weight = parameter(`weight_${i}`, channels, i === 0 ? 3 : 4, 3, 3);
    const [scale, shift] = ['scale', 'shift'].map((name) => parameter(`${name}_${i}`, channels));
    weights.push(weight, scale, shift);
    x = call('aten.conv2d.default', x, weight, null, [1, 1], [1, 1]);
    x = call('aten.batch_norm.default', x, scale, shift, shift, scale, false, 0.1, 1e-3, true);
    x = call('aten.relu.default', x);
  });
  const classifier = parameter('classifier', 5, 6);
  const pooled = call('aten.mean.dim', x, [2, 3]);
  const loss = call('aten.sum.default', call('aten.linear.default', pooled, classifier));
  return { builder, loss, weights, classifier };
}

/** What `differentiate` adds to a graph. */
function added({ module }: GraphBuilder, loss: Node, wrt: readonly Node[]) {
  const before = new Set(module.graph.nodes);
  const gradients = differentiate(module, loss, wrt);
  const nodes = module.graph.nodes.filter((node) => !before.has(node));
  module.graph.outputNode.setArguments([[loss, ...gradients.map((gradient) => gradient!)]]);
  return { gradients, nodes, targets: nodes.map(({ target }) => target) };
}

const count = (targets: readonly string[], part: string) =>
  targets.filter((name) => name.includes(part)).length;

describe('differentiate', () => {
  test('builds nothing for frozen parameters', () => {
    const all = network();
    const whole = added(all.builder, all.loss, [...all.weights, all.classifier]);
    // The first convolution's input is no parameter: nothing flows back to it.
    expect(count(whole.targets, 'weight_gradient')).toBe(3);
    expect(count(whole.targets, 'input_gradient')).toBe(2);
    const last = network();
    const head = added(last.builder, last.loss, [last.classifier]);
    // The loss's 1, its expansion over the sum, and the product with the pooled features.
    expect(head.targets).toEqual([
      ...['aten.ones_like.default', 'aten.reshape.default', 'aten.expand.default'],
      ...['aten.transpose.int', 'aten.matmul.default'],
    ]);
    const some = network();
    const norms = added(some.builder, some.loss, [some.weights[7]]);
    expect(count(norms.targets, 'convolution')).toBe(0);
  });

  test('leaves no node that nobody reads', () => {
    const builder = new GraphBuilder();
    const input = builder.input('x', [5, 2, 3]);
    const { call, parameter, item } = editing(builder);
    const weights = [parameter('ih', 16, 3), parameter('hh', 16, 4)];
    const layer = call('octavo.lstm_layer.default', input, ...weights, ...Array(6).fill(null), false, false);
    const loss = call('aten.sum.default', item(layer, 0));
    const { nodes } = added(builder, loss, weights);
    // Of the first step nothing flows back to a state.
    expect(count(nodes.map(String), 'matmul')).toBe(4 + 2);
    expect(nodes.filter((node) => node.users.length === 0)).toEqual([]);
    expect(builder.graph.eliminateDeadCode()).toBe(false);
  });

  test('gives gradients the dtype of what they are of', () => {
    const builder = new GraphBuilder();
    const input = builder.input('x', [2, 3], 'bfloat16');
    const { call, parameter } = editing(builder);
    const weight = parameter('weight', 2, 3);
    const loss = call('aten.sum.default', call('aten.mul.Tensor', input, weight));
    const { gradients } = added(builder, loss, [input, weight]);
    expect(gradients.map((gradient) => (gradient!.meta.val as { dtype: string }).dtype)).toEqual([
      'bfloat16',
      'float32',
    ]);
  });

  test('says why an operator has no gradient', () => {
    const builder = new GraphBuilder();
    const input = builder.input('x', [1, 2, 4, 4]);
    const { call, parameter } = editing(builder);
    const theta = parameter('theta', 1, 2, 3);
    const grid = call('aten.affine_grid_generator.default', theta, [1, 2, 4, 4], false);
    const loss = call('aten.sum.default', call('aten.grid_sampler.default', input, grid, 0, 0, false));
    expect(() => differentiate(builder.module, loss, [theta])).toThrow(
      /there is no gradient of aten\.grid_sampler\.default .*: the maps of places are not trained.*aten\.affine_grid_generator/,
    );
  });

  test('names the call whose arguments have no rule', () => {
    const builder = new GraphBuilder();
    const index = builder.input('index', [2], 'int64');
    const { call, parameter } = editing(builder);
    const [self, src] = [parameter('self', 3), parameter('src', 2)];
    const reduced = call('aten.scatter_reduce.two', self, 0, index, src, 'prod');
    const loss = call('aten.sum.default', reduced);
    expect(() => differentiate(builder.module, loss, [src])).toThrow(
      "differentiate: the gradient of 'scatter_reduce_two' (aten.scatter_reduce.two): there is no gradient of reduce='prod', only of 'sum' and 'mean'",
    );
  });
});
