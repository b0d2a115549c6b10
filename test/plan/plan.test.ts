import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { GET_ITEM, type GraphModule, type Node } from '../../lib/graph/index.ts';
import { GraphBuilder, random } from '../support/graph-builder.ts';
import { build, checkAgainstInterpreter, steps } from '../support/run-plan.ts';

function conv(b: GraphBuilder, x: Node, inChannels: number, outChannels: number, kernel = 3): Node {
  const weight = b.parameter('weight', [outChannels, inChannels, kernel, kernel]);
  return b.call('aten.conv2d.default', x, weight, null, [1, 1], [kernel >> 1, kernel >> 1]);
}

describe('buildPlan', () => {
  it('keeps images channels-last between convolutions', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 3, 8, 8]);
    const first = b.call('aten.relu.default', conv(b, x, 3, 8));
    const pooled = b.call('aten.max_pool2d.default', first, [2, 2], [2, 2]);
    const second = conv(b, pooled, 8, 8);
    const sum = b.call('aten.add.Tensor', second, pooled);
    const flat = b.call(
      'aten.flatten.using_ints',
      b.call('aten.adaptive_avg_pool2d.default', sum, [1, 1]),
      1,
    );
    const plan = checkAgainstInterpreter(
      b.finish(b.call('aten.linear.default', flat, b.parameter('w', [5, 8]))),
    );
    // One copy, of the input. [N, C, 1, 1] is row-major as it is.
    expect(steps(plan)).toEqual([
      'copy',
      'convolution',
      'eltwise',
      'pool',
      'convolution',
      'binary',
      'pool',
      'linear',
    ]);
  });

  it('lets quantize and dequantize change the memory order', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [1, 3, 6, 6]);
    const pooled = b.call('aten.max_pool2d.default', b.quantize(x, 0.02, 128), [2, 2]);
    const plan = checkAgainstInterpreter(b.finish(b.dequantize(pooled, 0.02, 128)));
    expect(steps(plan)).toEqual(['quantize', 'pool', 'dequantize']);
    const [{ outputs }] = plan.desc.steps;
    expect(plan.desc.values[outputs[0]].strides).toEqual([108, 1, 18, 3]);
  });

  it('keeps a pointwise chain between two quantized regions channels-last', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [1, 3, 6, 6]);
    const region = (from: Node) =>
      b.call('aten.max_pool2d.default', b.quantize(from, 0.02, 128), [3, 3], [1, 1], [1, 1]);
    const chain = b.call('aten.sigmoid.default', b.dequantize(region(x), 0.02, 128));
    const plan = checkAgainstInterpreter(b.finish(b.dequantize(region(chain), 0.02, 128)));
    expect(steps(plan)).toEqual([
      'quantize',
      'pool',
      'dequantize',
      'eltwise',
      'quantize',
      'pool',
      'dequantize',
    ]);
    const [, , dequantize] = plan.desc.steps;
    expect(plan.desc.values[dequantize.outputs[0]].strides).toEqual([108, 1, 18, 3]);
  });

  it('copies where a view needs another memory order', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 3, 4, 4]);
    const flat = b.call('aten.flatten.using_ints', conv(b, x, 3, 4), 1);
    const plan = checkAgainstInterpreter(
      b.finish(b.call('aten.linear.default', flat, b.parameter('w', [5, 64]))),
    );
    expect(steps(plan)).toEqual(['copy', 'convolution', 'copy', 'linear']);
  });

  it('copies once for several users', () => {
    const b = new GraphBuilder();
    const y = conv(b, b.input('x', [1, 2, 4, 4]), 2, 2);
    const views = [[32], [4, 8]].map((shape) => b.call('aten.reshape.default', y, shape));
    const plan = checkAgainstInterpreter(b.finish(...views.map((view) => b.call('aten.relu.default', view))));
    // The input, and y.
    expect(steps(plan).filter((op) => op === 'copy')).toHaveLength(2);
  });

  it('sees transposed and sliced values through strides', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 6, 4]);
    const [first, second] = [
      b.call('aten.slice.Tensor', x, 1, 0, 3),
      b.call('aten.slice.Tensor', x, 1, 3, 6),
    ];
    const transposed = b.call('aten.transpose.int', second, 1, 2);
    const product = b.call('aten.matmul.default', first, transposed);
    const plan = checkAgainstInterpreter(b.finish(product));
    expect(steps(plan)).toEqual(['matmul']);
  });

  it('reads slices of images where they lie', () => {
    for (const channels of [2, 8, 30]) {
      const b = new GraphBuilder();
      const x = conv(b, b.input('x', [2, 3, 5, 7]), 3, 3 * channels);
      const parts = b.call('aten.split.Tensor', x, channels, 1);
      const [gate, value, rest] = [0, 1, 2].map((i) => b.graph.callFunction(GET_ITEM, [parts, i]));
      const gated = b.call('aten.mul.Tensor', b.call('aten.sigmoid.default', gate), value);
      const scaled = b.call('aten.add.Tensor', gated, b.quantizeDequantize(rest, 0.05, 128));
      const cropped = b.call('aten.slice.Tensor', b.call('aten.relu.default', scaled), 3, 1, 6);
      const plan = checkAgainstInterpreter(b.finish(conv(b, b.batchNorm(cropped, channels), channels, 2)));
      expect(steps(plan)).toEqual([
        'copy',
        'convolution',
        ...['eltwise', 'binary', 'quantize', 'dequantize', 'binary', 'eltwise', 'batch_norm'],
        'convolution',
        'copy',
      ]);
    }
  });

  it('returns inputs, constants and one value twice, each in memory of its own', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 3]);
    const y = b.call('aten.relu.default', x);
    const plan = checkAgainstInterpreter(
      b.finish(x, b.parameter('w', [4]), y, y, b.call('aten.view.default', y, [3, 2])),
    );
    expect(steps(plan)).toEqual(['eltwise', 'copy', 'copy', 'copy', 'copy']);
  });

  it('computes constants and sizes when it is built', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 3]);
    const weight = b.call('aten.relu.default', b.call('aten.view.default', b.parameter('w', [12]), [4, 3]));
    const y = b.call('aten.linear.default', x, weight);
    const size = b.call('aten.sym_size.int', x, 0);
    const plan = checkAgainstInterpreter(b.finish(b.call('aten.view.default', y, [4, size])));
    expect(steps(plan)).toEqual(['linear']);
  });

  it('leaves out what no output needs', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 3]);
    b.call('aten.relu.default', b.call('aten.neg.default', x));
    expect(steps(checkAgainstInterpreter(b.finish(b.call('aten.relu.default', x))))).toEqual(['eltwise']);
  });

  it('puts a sum where its addend was, if nobody needs that any more', () => {
    const b = new GraphBuilder();
    const first = b.call('aten.relu.default', conv(b, b.input('x', [1, 2, 8, 8]), 2, 4));
    const sum = (x: Node, addend: Node) => {
      const weight = b.parameter('weight', [4, 4, 3, 3]);
      const geometry = [[1, 1], [1, 1], [1, 1], 1];
      return b.call(
        'mkldnn._convolution_pointwise.binary',
        x,
        addend,
        weight,
        null,
        ...geometry,
        'add',
        null,
        null,
        [],
        null,
      );
    };
    const inner = conv(b, first, 4, 4);
    const second = sum(inner, first); // first dies here
    const third = sum(second, second); // what is added is also convolved
    const plan = checkAgainstInterpreter(b.finish(b.call('aten.relu.default', third)));
    const places = plan.desc.steps
      .filter(({ attributes }) => attributes.binary === 'sum')
      .map(({ inputs, outputs }) => [inputs.at(-1)!, outputs[0]].map((i) => plan.desc.values[i].storage));
    expect(places[0][1]).toEqual(places[0][0]);
    expect(places[1][1]).not.toEqual(places[1][0]);
  });

  it('lets pointwise steps work in place, if nobody needs their input any more', () => {
    const b = new GraphBuilder();
    const x = conv(b, b.input('x', [2, 3, 8, 8]), 3, 4);
    const first = b.call('aten.sigmoid.default', b.batchNorm(x, 4)); // both in place
    const second = b.call('aten.mul.Tensor', first, first); // one operand twice: elsewhere
    const third = b.call('aten.add.Tensor', b.parameter('c', [4, 1, 1]), second); // over its second operand
    const fourth = b.call('aten.sub.Tensor', third, second);
    const plan = checkAgainstInterpreter(b.finish(conv(b, fourth, 4, 2)));
    const storage = (index: number) => plan.desc.values[index].storage;
    const inPlace = plan.desc.steps
      .filter(({ op }) => ['batch_norm', 'eltwise', 'binary'].includes(op))
      .map((step) =>
        step.inputs.some((input) => isDeepStrictEqual(storage(input), storage(step.outputs[0]))),
      );
    // `second` is needed by the subtraction; that may write over either of its operands.
    expect(inPlace).toEqual([true, true, false, false, true]);
  });

  it('uses fewer threads where steps are too short to be shared', () => {
    const threads = (size: number, count: number): number => {
      const b = new GraphBuilder();
      const x = b.input('x', [1, 16, size, size]);
      return build(b.finish(conv(b, x, 16, 16)), count).desc.threads;
    };
    expect(threads(4, 2)).toBe(1);
    expect(threads(64, 2)).toBe(2);
    expect(threads(64, 16)).toBeLessThan(16);
    expect(threads(256, 16)).toBe(16);
  });

  it('names the node that cannot be part of a plan', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 3]);
    b.module.modules.set('observer', { forward: (input) => input });
    const module = b.finish(b.graph.callModule('observer', [x]));
    expect(() => build(module)).toThrow(/node 'observer' \(observer\): observers cannot be compiled/);
  });
});

/** A random graph over images of 2 x 4 x 6 x 6, where every value may be used again later. */
function randomGraph(seed: number): GraphModule {
  const next = random(seed);
  const b = new GraphBuilder();
  const shape = [2, 4, 6, 6];
  const values = [b.input('x', shape), b.input('y', shape)];
  const pick = () => values[Math.floor(next() ** 0.5 * values.length)];
  const sum = (x: Node, addend: Node) =>
    b.call(
      'mkldnn._convolution_pointwise.binary',
      x,
      addend,
      b.parameter('w', [4, 4, 3, 3]),
      null,
      [1, 1],
      [1, 1],
      [1, 1],
      1,
      'add',
      null,
      'relu',
      [],
      null,
    );
  const makers: (() => Node)[] = [
    () => conv(b, pick(), 4, 4),
    () => conv(b, pick(), 4, 4, 1),
    () => sum(pick(), pick()),
    () => b.call('aten.relu.default', pick()),
    () => b.call('aten.sigmoid.default', pick()),
    () => b.call('aten.add.Tensor', pick(), pick()),
    () => b.call('aten.mul.Tensor', pick(), b.parameter('c', [4, 1, 1])),
    () => b.call('aten.max_pool2d.default', pick(), [3, 3], [1, 1], [1, 1]),
    () => b.call('aten.transpose.int', pick(), 2, 3),
    () => b.call('aten.view.default', b.call('aten.flatten.using_ints', pick(), 1), shape),
    () => b.call('aten.permute.default', b.call('aten.permute.default', pick(), [0, 2, 3, 1]), [0, 3, 2, 1]),
    () => b.call('aten.slice.Tensor', b.call('aten.cat.default', [pick(), pick()], 1), 1, 2, 6),
    () => b.call('aten.mul.Tensor', pick(), b.call('aten.adaptive_avg_pool2d.default', pick(), [1, 1])),
    () => b.call('aten.expand.default', b.call('aten.slice.Tensor', pick(), 2, 0, 1), shape),
    () =>
      conv(
        b,
        b.call(
          'aten.cat.default',
          [conv(b, pick(), 4, 3), b.quantizeDequantize(pick(), 0.05, 100), pick()],
          1,
        ),
        11,
        4,
        1,
      ),
    () => {
      const [first, second] = [b.batchNorm(pick(), 4), conv(b, pick(), 4, 4)];
      const inner = b.call('aten.cat.default', [first, second], 1);
      const third = conv(b, b.batchNorm(inner, 8), 8, 4);
      values.push(second);
      return conv(b, b.batchNorm(b.call('aten.cat.default', [first, second, third], 1), 12), 12, 4);
    },
    () => {
      const inner = b.call('aten.cat.default', [b.batchNorm(pick(), 4), pick()], 1);
      return conv(b, b.call('aten.cat.default', [conv(b, pick(), 4, 2), inner], 1), 10, 4);
    },
    () => {
      const x = b.batchNorm(pick(), 4);
      return conv(b, b.call('aten.cat.default', [x, x], 1), 8, 4);
    },
    () =>
      b.call('aten.slice.Tensor', b.call('aten.cat.default', [conv(b, pick(), 4, 4), pick()], 0), 0, 1, 3),
    () => b.quantizeDequantize(pick(), 0.05, 100),
    () => b.call('aten.linear.default', pick(), b.parameter('l', [6, 6])),
  ];
  for (let i = 0; i < 14; i++) values.push(makers[Math.floor(next() * makers.length)]());
  return b.finish(values.at(-1)!, values.at(-2)!, pick());
}

describe('a plan of a random graph', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))('gives what the interpreter gives (%i)', (seed) => {
    checkAgainstInterpreter(randomGraph(seed));
  });
});
