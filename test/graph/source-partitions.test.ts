import { describe, expect, it } from 'vitest';
import {
  areConnected,
  findSequentialPartitions,
  Graph,
  GraphModule,
  getSourcePartitions,
  type Node,
} from '../../lib/graph/index.ts';

const CONV = 'torch.nn.modules.conv.Conv2d';
const RELU = 'torch.nn.modules.activation.ReLU';

/** conv1 -> relu (module), conv2 -> relu (function), conv1 + conv2; `norm` is one call that became two nodes. */
function model() {
  const graph = new Graph();
  const traced = (name: string, inputs: Node[], source: string, call = name) => {
    const node = graph.callFunction('aten.some.default', inputs, {}, name);
    node.meta.sourceFnStack = [
      { name: 'outer', target: 'torch.nn.modules.container.Sequential' },
      { name: call, target: source },
    ];
    return node;
  };
  const x = graph.placeholder('x');
  const weight = graph.getAttr('weight');
  weight.meta.sourceFnStack = [{ name: 'norm', target: 'norm' }];
  const conv1 = traced('conv1', [x], CONV);
  const relu1 = traced('relu1', [conv1], RELU);
  const conv2 = traced('conv2', [relu1], 'torch.conv2d');
  const relu2 = traced('relu2', [conv2], 'torch.nn.functional.relu');
  const inner = traced('inner', [relu2, weight], 'norm', 'norm');
  const norm = traced('norm', [inner], 'norm');
  graph.output([norm]);
  return { module: new GraphModule(graph), conv1, relu1, conv2, relu2, inner, norm, weight };
}

describe('getSourcePartitions', () => {
  it('groups nodes by the innermost call', () => {
    const { module, relu2, inner, norm, weight } = model();
    const found = getSourcePartitions(module.graph, ['norm', CONV, RELU]);
    expect([...found.keys()]).toEqual(['norm', CONV, RELU]);
    expect(found.get('norm')).toEqual([
      {
        nodes: [weight, inner, norm],
        source: 'norm',
        inputNodes: [relu2],
        outputNodes: [norm],
        params: [weight],
      },
    ]);
    expect(getSourcePartitions(module.graph, ['norm'], (node) => node !== inner).get('norm')).toEqual([]);
  });

  it('knows which partition uses which', () => {
    const { module } = model();
    const found = getSourcePartitions(module.graph, [CONV, RELU]);
    const [conv, relu] = [found.get(CONV)![0], found.get(RELU)![0]];
    expect(areConnected(conv, relu)).toBe(true);
    expect(areConnected(relu, conv)).toBe(false);
  });
});

describe('findSequentialPartitions', () => {
  it('finds chains of modules and functions', () => {
    const { module, conv1, relu1, conv2, relu2 } = model();
    const chains = findSequentialPartitions(module, [CONV, RELU]);
    expect(chains.map((chain) => chain.flatMap(({ nodes }) => nodes))).toEqual([
      [conv1, relu1],
      [conv2, relu2],
    ]);
    expect(findSequentialPartitions(module, [RELU, CONV, 'norm'])).toEqual([]);
  });

  it('refuses sources that cannot be told apart', () => {
    const { module } = model();
    expect(() => findSequentialPartitions(module, [CONV, 'torch.conv2d'])).toThrow(/equivalent/);
    expect(() => findSequentialPartitions(module, ['other', 'other'])).toThrow(/equivalent/);
  });
});
