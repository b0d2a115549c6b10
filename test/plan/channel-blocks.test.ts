// Plans whose float32 images have their channels in blocks of eight: where they do, and that they compute what the
// interpreter does.
import { describe, expect, it, test } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import type { Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { manualSeed } from '../../lib/nn/index.ts';
import type { BuiltPlan } from '../../lib/plan/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { build, checkAgainstInterpreter, steps } from '../support/run-plan.ts';

interface Convolution {
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

function conv(
  b: GraphBuilder,
  x: Node,
  inChannels: number,
  outChannels: number,
  options: Convolution = {},
): Node {
  const { kernel = 3, stride = 1, dilation = 1, groups = 1 } = options;
  const { padding = (kernel >> 1) * dilation } = options;
  const weight = b.parameter('weight', [outChannels, inChannels / groups, kernel, kernel]);
  const bias = b.parameter('bias', [outChannels]);
  const pairs = [stride, padding, dilation].map((value) => [value, value]);
  return b.call('aten.conv2d.default', x, weight, bias, ...pairs, groups);
}

const relu = (b: GraphBuilder, x: Node) => b.call('aten.relu.default', x);

/** The steps, those whose result is in blocks marked. */
const inBlocks = (plan: BuiltPlan) =>
  steps(plan).map((op, i) => (plan.results[i].image ? `${op} in blocks` : op));

/** The graph's plan with blocks, checked; without them it must be right, too, and have none. */
function check(graph: () => GraphBuilder['module']): BuiltPlan {
  const plain = checkAgainstInterpreter(graph(), false);
  expect(plain.results.every(({ image }) => image === undefined)).toBe(true);
  return checkAgainstInterpreter(graph(), true);
}

describe.each([8, 16, 24, 40])('%i channels', (channels) => {
  const variants: Record<string, (b: GraphBuilder, x: Node) => Node> = {
    'stride 2': (b, x) => conv(b, x, channels, 16, { stride: 2 }),
    dilation: (b, x) => conv(b, x, channels, 16, { dilation: 2 }),
    'kernel 1': (b, x) => conv(b, x, channels, 24, { kernel: 1 }),
    'kernel 1, stride 2': (b, x) => conv(b, x, channels, 24, { kernel: 1, stride: 2 }),
    'kernel 5': (b, x) => conv(b, x, channels, 8, { kernel: 5 }),
    depthwise: (b, x) => conv(b, x, channels, channels, { groups: channels }),
    'depthwise, stride 2': (b, x) => conv(b, x, channels, channels, { groups: channels, stride: 2 }),
    'more padding than oneDNN has a kernel for': (b, x) =>
      conv(b, x, channels, 16, { kernel: 5, padding: 6 }),
    sum: (b, x) => b.call('aten.add.Tensor', conv(b, x, channels, channels), x),
    'max pooling': (b, x) => b.call('aten.max_pool2d.default', x, [3, 3], [2, 2], [1, 1]),
    'ceil mode': (b, x) => b.call('aten.max_pool2d.default', x, [3, 3], [2, 2], [0, 0], [1, 1], true),
    'average pooling': (b, x) => b.call('aten.avg_pool2d.default', x, [3, 3], [2, 2], [1, 1]),
    'uneven average pooling': (b, x) => b.call('aten.adaptive_avg_pool2d.default', x, [2, 3]),
    'batch normalization': (b, x) => b.batchNorm(x, channels),
    'two images': (b, x) => b.call('aten.mul.Tensor', x, b.call('aten.sigmoid.default', x)),
    'an image a channel': (b, x) => b.call('aten.mul.Tensor', x, b.parameter('c', [channels, 1, 1])),
    'a pixel each': (b, x) =>
      b.call('aten.mul.Tensor', x, b.call('aten.adaptive_avg_pool2d.default', x, [1, 1])),
    'one channel for all': (b, x) => b.call('aten.sub.Tensor', x, b.parameter('c', [1, 7, 9])),
    'a constant image': (b, x) => b.call('aten.add.Tensor', x, b.parameter('c', [1, channels, 7, 9])),
    concatenation: (b, x) => b.call('aten.cat.default', [relu(b, x), conv(b, x, channels, 16), x], 1),
  };

  test.each(Object.entries(variants))('%s', (_, variant) => {
    const plan = check(() => {
      const b = new GraphBuilder();
      const x = b.input('x', [2, 3, 7, 9]);
      const first = relu(b, conv(b, x, 3, channels, { kernel: 5 }));
      const second = relu(b, conv(b, first, channels, channels));
      return b.finish(relu(b, variant(b, second)));
    });
    // The network's input is read as it is, and its output copied.
    expect(inBlocks(plan).slice(0, 2)).toEqual(['convolution in blocks', 'eltwise in blocks']);
    expect(inBlocks(plan).slice(-2)).toEqual(['eltwise in blocks', 'copy']);
    expect(steps(plan).filter((op) => op === 'copy').length).toBeLessThanOrEqual(3);
  });
});

describe('what borders on blocks', () => {
  it('is a convolution that adds a constant image', () => {
    const plan = check(() => {
      const b = new GraphBuilder();
      const first = relu(b, conv(b, b.input('x', [2, 8, 7, 9]), 8, 16));
      const [learned, weight] = [b.parameter('learned', [2, 16, 7, 9]), b.parameter('w', [16, 16, 3, 3])];
      const pairs = [1, 1, 1].map((value) => [value, value]);
      const add = ['add', null, 'none', [], ''];
      const target = 'mkldnn._convolution_pointwise.binary';
      return b.finish(b.call(target, first, learned, weight, null, ...pairs, 1, ...add));
    });
    expect(inBlocks(plan)).not.toContain('convolution in blocks');
  });

  it('costs nothing where an image has one pixel', () => {
    const plan = check(() => {
      const b = new GraphBuilder();
      const body = relu(b, conv(b, conv(b, b.input('x', [3, 3, 9, 7]), 3, 16), 16, 24));
      const pooled = b.call('aten.adaptive_avg_pool2d.default', body, [1, 1]);
      const flat = b.call('aten.flatten.using_ints', pooled, 1);
      return b.finish(b.call('aten.linear.default', flat, b.parameter('w', [5, 24])));
    });
    expect(inBlocks(plan)).toEqual([
      'convolution in blocks',
      'convolution in blocks',
      'eltwise in blocks',
      'pool',
      'linear',
    ]);
  });

  it('is one copy where an image is flattened', () => {
    const plan = check(() => {
      const b = new GraphBuilder();
      const body = conv(b, conv(b, b.input('x', [2, 3, 7, 7]), 3, 16), 16, 8);
      const flat = b.call('aten.flatten.using_ints', body, 1);
      return b.finish(b.call('aten.linear.default', flat, b.parameter('w', [5, 8 * 49])));
    });
    expect(inBlocks(plan)).toEqual(['convolution in blocks', 'convolution in blocks', 'copy', 'linear']);
  });

  it('has a kernel as large as the image, and pixels that become images again', () => {
    const plan = check(() => {
      const b = new GraphBuilder();
      const body = conv(b, conv(b, b.input('x', [2, 3, 5, 5]), 3, 16), 16, 8);
      const pixel = conv(b, body, 8, 12, { kernel: 5, padding: 0 });
      return b.finish(conv(b, conv(b, pixel, 12, 8, { kernel: 1 }), 8, 16, { kernel: 1, padding: 1 }));
    });
    expect(inBlocks(plan).slice(0, 3)).toEqual([
      'convolution in blocks',
      'convolution in blocks',
      'convolution',
    ]);
  });

  it('reads an input of many channels through a copy', () => {
    const plan = check(() => {
      const b = new GraphBuilder();
      return b.finish(conv(b, b.input('x', [2, 16, 5, 6]), 16, 8));
    });
    expect(inBlocks(plan)).toEqual(['copy in blocks', 'convolution in blocks', 'copy']);
  });

  it('copies for a step that takes what order there is', () => {
    const plan = check(() => {
      const b = new GraphBuilder();
      const body = conv(b, conv(b, b.input('x', [2, 3, 9, 6]), 3, 16), 16, 16);
      return b.finish(
        b.call('aten.mean.dim', body, [2, 3]),
        b.call('aten.permute.default', body, [0, 2, 3, 1]),
      );
    });
    expect(inBlocks(plan).filter((op) => op === 'copy')).toHaveLength(1);
    expect(inBlocks(plan)[1]).toBe('convolution in blocks');
  });

  it('ends before a convolution to channels that make no blocks', () => {
    const plan = check(() => {
      const b = new GraphBuilder();
      const body = relu(b, conv(b, conv(b, b.input('x', [2, 3, 12, 9]), 3, 64), 64, 64));
      return b.finish(conv(b, body, 64, 21, { kernel: 1 }), conv(b, body, 64, 3));
    });
    expect(inBlocks(plan)).toEqual([
      'convolution in blocks',
      'convolution in blocks',
      'eltwise in blocks',
      'copy',
      'convolution',
      'convolution',
      'copy',
      'copy',
    ]);
  });

  it('splits images, and puts them together along rows', () => {
    check(() => {
      const b = new GraphBuilder();
      const body = conv(b, conv(b, b.input('x', [2, 3, 6, 6]), 3, 16), 16, 16);
      const half = b.call('aten.slice.Tensor', body, 1, 8, 16);
      const other = conv(b, relu(b, half), 8, 16);
      return b.finish(b.call('aten.cat.default', [relu(b, other), body], 2));
    });
  });

  it('quantizes an image and goes on with it', () => {
    check(() => {
      const b = new GraphBuilder();
      const body = conv(b, conv(b, b.input('x', [2, 3, 6, 6]), 3, 16), 16, 16);
      const eightBits = b.quantizeDequantize(body, 0.5, 128);
      return b.finish(b.call('aten.add.Tensor', conv(b, body, 16, 16), eightBits));
    });
  });
});

describe('images stay channels-last', () => {
  const body = (b: GraphBuilder, channels: number, options: Convolution = {}) =>
    conv(b, relu(b, conv(b, b.input('x', [1, 3, 8, 8]), 3, 16)), 16, channels, options);

  test.each<[string, (b: GraphBuilder) => Node]>([
    ['of a network with 12 channels somewhere', (b) => conv(b, body(b, 12), 12, 16)],
    [
      'that are added to those of groups which are no whole blocks',
      (b) => {
        const x = body(b, 16);
        return b.call('aten.add.Tensor', conv(b, x, 16, 16, { groups: 4 }), x);
      },
    ],
    ['between kernels of one pixel', (b) => body(b, 24, { kernel: 1 })],
    ['between kernels of one channel', (b) => body(b, 16, { groups: 16 })],
    [
      'where convolutions gain less than copies take',
      (b) => {
        const large = relu(b, conv(b, b.input('x', [1, 3, 40, 40]), 3, 64, { kernel: 1 }));
        const viewed = b.call('aten.mean.dim', b.call('aten.permute.default', large, [0, 2, 3, 1]), [3]);
        const pooled = b.call('aten.max_pool2d.default', large, [20, 20], [20, 20]);
        const both = [b.call('aten.flatten.using_ints', conv(b, pooled, 64, 8), 1), viewed];
        return b.call('aten.add.Tensor', ...both.map((x) => b.call('aten.sum.default', x)));
      },
    ],
  ])('%s', (_, graph) => {
    const b = new GraphBuilder();
    const plan = checkAgainstInterpreter(b.finish(graph(b)), true);
    expect(plan.results.some(({ image }) => image)).toBe(false);
  });

  it('of 8-bit integers', () => {
    const b = new GraphBuilder();
    const x = b.quantizeDequantize(b.input('x', [1, 16, 8, 8]), 0.02, 128);
    const weight = b.weight('w', [16, 16, 3, 3]);
    const y = b.call('aten.conv2d.default', x, weight, null, [1, 1], [1, 1]);
    const { module } = lower(b.finish(b.quantizeDequantize(y, 0.05, 128)));
    expect(build(module, 1, true).results.some(({ image }) => image)).toBe(false);
  });
});

describe.each(['resnet18', 'squeezenet1_1', 'densenet121'])('%s', (name) => {
  // Sums, functions and batch normalizations are fused here.
  test.each([1, 2])('with batches of %i', (batch) => {
    manualSeed(3);
    const captured = exportModel(referenceModels[name]().eval(), {
      x: { dtype: 'float32', shape: [batch, 3, 64, 64] },
    });
    const plan = checkAgainstInterpreter(lower(captured).module, true);
    const convolutions = plan.desc.steps.flatMap(({ op }, i) =>
      op === 'convolution' ? [plan.results[i]] : [],
    );
    expect(convolutions.filter(({ image }) => image).length).toBeGreaterThan(convolutions.length * 0.6);
  });
});
