import { describe, expect, it } from 'vitest';
import { type Argument, Graph, GraphModule, type Node } from '../../lib/graph/index.ts';
import { foldBatchNorms } from '../../lib/quantization/prepare/fold-batch-norm.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphEditor } from '../../lib/transforms/editor.ts';

interface Options {
  readonly layer?: 'conv2d' | 'conv1d' | 'linear';
  readonly bias?: boolean;
  readonly affine?: boolean;
  readonly inference?: boolean;
  readonly training?: boolean;
  /** Somebody else uses the layer's result. */
  /** Layer and batch norm are called again, with the same parameters. */
  readonly twice?: boolean;
  readonly secondUser?: boolean;
  /** Somebody else uses the layer's weight. */
  readonly sharedWeight?: boolean;
  /** Somebody else uses the layer's weight through a node of its own. */
  readonly weightNamedTwice?: boolean;
  readonly rank?: number;
  /** The layer's operator and its arguments after the bias, where it is not the default form. */
  readonly form?: readonly [string, ...Argument[]];
}

const CHANNELS = 3;
const eps = 1e-3;
const values = { weight: [0.5, 2, -1], bias: [0.1, 0, -3], mean: [1, -2, 0.25], variance: [0.5, 4, 1e-4] };
const shapes = { conv2d: [3, 2, 1, 1], conv1d: [3, 2, 1], linear: [3, 2] };

function layerAndNorm(options: Options): GraphModule {
  const { layer = 'conv2d', bias = false, affine = true, inference = false, training = false } = options;
  const module = new GraphModule();
  const { graph } = module;
  const parameter = (name: string, numbers: number[], shape = [numbers.length]) => {
    module.attributes.set(name, Tensor.from('float32', numbers, shape));
    return graph.getAttr(name);
  };
  const weight = parameter('layer.weight', [1, -2, 3, 0.5, -0.25, 7], shapes[layer]);
  const layerBias = bias ? parameter('layer.bias', [10, 20, 30]) : null;
  const norm = [
    affine ? parameter('bn.weight', values.weight) : null,
    affine ? parameter('bn.bias', values.bias) : null,
    parameter('bn.mean', values.mean),
    parameter('bn.variance', values.variance),
  ];
  const x = graph.placeholder('x');
  const [target, ...rest] = options.form ?? [`aten.${layer}.default`];
  const y = graph.callFunction(target, [x, weight, layerBias, ...rest], {}, 'y');
  y.meta.val = { dtype: 'float32', shape: Array(options.rank ?? shapes[layer].length).fill(3) };
  const normalized = (layer: Node): Node => {
    if (!inference)
      return graph.callFunction('aten.batch_norm.default', [
        ...[layer, ...norm, training, 0.1],
        ...[eps, true],
      ]);
    const target = 'aten._native_batch_norm_legit_no_training.default';
    const results = graph.callFunction(target, [layer, ...norm, 0.1, eps]);
    return graph.callFunction('operator.getitem', [results, 0]);
  };
  const results = [normalized(y)];
  if (options.twice) {
    const again = graph.callFunction(target, [x, weight, layerBias, ...rest]);
    again.meta.val = y.meta.val;
    results.push(normalized(again));
  }
  const outputs = results.map((z) => graph.callFunction('aten.relu.default', [z]));
  if (options.secondUser) outputs.push(graph.callFunction('aten.relu.default', [y]));
  if (options.weightNamedTwice)
    outputs.push(graph.callFunction('aten.abs.default', [graph.getAttr('layer.weight')]));
  if (options.sharedWeight) outputs.push(graph.callFunction(`aten.${layer}.default`, [x, weight, null]));
  graph.output(outputs);
  return module;
}

const targets = (module: GraphModule) =>
  module.graph.nodes.filter((node) => node.op === 'call_function').map((node) => node.target);

/** In float64: `(w x + b - mean) / sqrt(variance + eps) * weight + bias`. */
function expectFolded(module: GraphModule, biasName: string, { bias = false, affine = true }: Options): void {
  const weight = module.attribute('layer.weight').toArray();
  const newBias = module.attribute(biasName).toArray();
  [1, -2, 3, 0.5, -0.25, 7].forEach((w, i) => {
    const c = Math.floor((i * CHANNELS) / 6);
    const factor = (affine ? values.weight[c] : 1) / Math.sqrt(values.variance[c] + eps);
    const old = bias ? [10, 20, 30][c] : 0;
    const shift = (old - values.mean[c]) * factor + (affine ? values.bias[c] : 0);
    // A handful of float32 roundings.
    expect(Math.abs(weight[i] / (w * factor) - 1)).toBeLessThan(1e-6);
    expect(Math.abs(newBias[c] - shift)).toBeLessThan(1e-6 * (1 + Math.abs(shift)));
  });
}

describe('foldBatchNorms', () => {
  it.each<Options>([
    {},
    { bias: true },
    { affine: false },
    { inference: true },
    { layer: 'conv1d', bias: true },
    { layer: 'linear' },
    { form: ['aten.conv2d.padding', [1, 1], 'same'] },
    { layer: 'conv1d', bias: true, form: ['aten.conv1d.padding', [1], 'valid'] },
    { form: ['aten.convolution.default', [1, 1], [0, 0], [1, 1], false, [0, 0], 1] },
  ])('folds %o', (options) => {
    const module = layerAndNorm(options);
    foldBatchNorms(new GraphEditor(module));
    const { layer = 'conv2d', bias, form = [`aten.${layer}.default`] } = options;
    expect(targets(module)).toEqual([form[0], 'aten.relu.default']);
    const biasName = bias ? 'layer.bias' : 'layer.weight_bias';
    const folded = module.graph.nodes.find((node) => node.name === 'y')!;
    expect((folded.args[2] as Node).target).toBe(biasName);
    expect(folded.args.slice(3)).toEqual(form.slice(1));
    expectFolded(module, biasName, options);
    module.graph.lint();
  });

  it.each<Options>([
    { training: true },
    { secondUser: true },
    { sharedWeight: true },
    { weightNamedTwice: true },
    // The second axis of a sequence is not what a linear layer puts out.
    { layer: 'linear', rank: 3 },
    // The first axis of its weight is not what it puts out.
    { form: ['aten.convolution.default', [1, 1], [0, 0], [1, 1], true, [0, 0], 1] },
  ])('leaves alone %o', (options) => {
    const module = layerAndNorm(options);
    const before = { targets: targets(module), weight: module.attribute('layer.weight').toArray() };
    foldBatchNorms(new GraphEditor(module));
    expect(targets(module)).toEqual(before.targets);
    expect(module.attribute('layer.weight').toArray()).toEqual(before.weight);
  });

  it.each<Options>([{}, { bias: true }, { inference: true }, { layer: 'conv1d' }])(
    'folds %o once, when layer and batch norm are called twice',
    (options) => {
      const module = layerAndNorm({ ...options, twice: true });
      foldBatchNorms(new GraphEditor(module));
      const target = `aten.${options.layer ?? 'conv2d'}.default`;
      expect(targets(module)).toEqual([target, target, 'aten.relu.default', 'aten.relu.default']);
      const biasName = options.bias ? 'layer.bias' : 'layer.weight_bias';
      expectFolded(module, biasName, options);
      const layers = module.graph.nodes.filter((node) => node.target === target);
      for (const { args } of layers) expect((args[2] as Node).target).toBe(biasName);
      module.graph.lint();
    },
  );

  it('leaves a layer alone that different batch norms follow', () => {
    const module = layerAndNorm({ twice: true });
    const second = module.graph.nodes.filter(({ target }) => target === 'aten.batch_norm.default')[1];
    second.setArguments(second.args.with(7, 2 * eps));
    const before = targets(module);
    foldBatchNorms(new GraphEditor(module));
    expect(targets(module)).toEqual(before);
  });

  it('takes a free name for the new bias', () => {
    const module = layerAndNorm({});
    const taken = Tensor.from('float32', [1, 2, 3]);
    module.attributes.set('layer.weight_bias', taken);
    foldBatchNorms(new GraphEditor(module));
    expect(module.attribute('layer.weight_bias')).toBe(taken);
    expectFolded(module, 'layer.weight_bias_1', {});
  });

  it('leaves a graph without batch norms untouched, unused nodes included', () => {
    const graph = new Graph();
    const x = graph.placeholder('x');
    graph.callFunction('aten.relu.default', [x], {}, 'unused');
    graph.output([x]);
    foldBatchNorms(new GraphEditor(new GraphModule(graph)));
    expect(graph.nodes.map(String)).toEqual(['x', 'unused', 'output']);
  });
});
