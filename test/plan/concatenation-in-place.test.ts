import { describe, expect, it, test } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import type { GraphModule, Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { manualSeed } from '../../lib/nn/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { numelOf, type Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { build, checkAgainstInterpreter, execute, steps } from '../support/run-plan.ts';

/** An image tensor in float64: what a graph should give, worked out without it. */
class Image {
  readonly shape: readonly number[];
  readonly values: Float64Array;

  constructor(shape: readonly number[], values: Float64Array) {
    this.shape = shape;
    this.values = values;
  }

  static of(tensor: Tensor): Image {
    return new Image(tensor.shape, Float64Array.from(tensor.toArray()));
  }

  at(n: number, c: number, h: number, w: number): number {
    const [, channels, height, width] = this.shape;
    if (h < 0 || w < 0 || h >= height || w >= width) return 0;
    return this.values[((n * channels + c) * height + h) * width + w];
  }

  map(channels: number, f: (n: number, c: number, h: number, w: number) => number): Image {
    const [batch, , height, width] = this.shape;
    const values = Float64Array.from({ length: batch * channels * height * width }, (_, i) => {
      const w = i % width;
      const h = Math.floor(i / width) % height;
      const c = Math.floor(i / width / height) % channels;
      return f(Math.floor(i / width / height / channels), c, h, w);
    });
    return new Image([batch, channels, height, width], values);
  }

  convolve(weight: Image): Image {
    const [out, inner, kernel] = weight.shape;
    const pad = kernel >> 1;
    return this.map(out, (n, o, h, w) => {
      let sum = 0;
      for (let c = 0; c < inner; c++)
        for (let i = 0; i < kernel; i++)
          for (let j = 0; j < kernel; j++)
            sum += this.at(n, c, h + i - pad, w + j - pad) * weight.at(o, c, i, j);
      return sum;
    });
  }

  beside(other: Image): Image {
    const mine = this.shape[1];
    return this.map(mine + other.shape[1], (n, c, h, w) =>
      c < mine ? this.at(n, c, h, w) : other.at(n, c - mine, h, w),
    );
  }
}

/** A graph written twice: as nodes, and as what it should give. */
class Twin {
  readonly builder = new GraphBuilder();
  readonly module = this.builder.module;
  readonly input: Tensor;
  #seed = 50;

  constructor(shape: readonly number[]) {
    this.input = uniform(shape, -1, 1, 9);
  }

  x(): [Node, Image] {
    return [this.builder.input('x', this.input.shape), Image.of(this.input)];
  }

  conv([node, image]: [Node, Image], out: number, kernel: number): [Node, Image] {
    const weight = uniform([out, image.shape[1], kernel, kernel], -0.5, 0.5, this.#seed++);
    const pad = [kernel >> 1, kernel >> 1];
    return [
      this.builder.call(
        'aten.conv2d.default',
        node,
        this.builder.constant(`weight${this.#seed}`, weight),
        null,
        [1, 1],
        pad,
      ),
      image.convolve(Image.of(weight)),
    ];
  }

  /** Batch normalization, then ReLU. */
  normalize([node, image]: [Node, Image]): [Node, Image] {
    const b = this.builder;
    const channels = [image.shape[1]];
    const [weight, bias, mean] = [0, 1, 2].map(() => uniform(channels, -1, 1, this.#seed++));
    const variance = uniform(channels, 0.5, 2, this.#seed++);
    const parameters = [weight, bias, mean, variance].map((value, i) =>
      b.constant(`norm${this.#seed}_${i}`, value),
    );
    const norm = b.call('aten.batch_norm.default', node, ...parameters, false, 0.1, 1e-5, true);
    const [g, s, m, v] = [weight, bias, mean, variance].map((value) => value.toArray());
    const normal = image.map(channels[0], (n, c, h, w) =>
      Math.max(0, ((image.at(n, c, h, w) - m[c]) / Math.sqrt(v[c] + 1e-5)) * g[c] + s[c]),
    );
    return [b.call('aten.relu.default', norm), normal];
  }

  cat(...parts: readonly [Node, Image][]): [Node, Image] {
    const nodes = parts.map(([node]) => node);
    const images = parts.map(([, image]) => image);
    return [
      this.builder.call('aten.cat.default', nodes, 1),
      images.reduce((all, image) => all.beside(image)),
    ];
  }

  /** Lowers, plans and runs the graph, and holds it against float64. */
  check([node, expected]: [Node, Image]): string[] {
    const plan = build(lower(this.builder.finish(node)).module);
    const actual = execute(plan, [this.input])[0].toArray();
    const scale = expected.values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const error = expected.values.reduce((most, value, i) => Math.max(most, Math.abs(actual[i] - value)), 0);
    expect(actual).toHaveLength(numelOf(expected.shape));
    // float32 sums of at most 500 products, a few layers deep.
    expect(error / scale).toBeLessThan(2e-5);
    return steps(plan);
  }
}

const shapes = [
  [1, 3, 5, 7],
  [2, 3, 8, 8],
  [3, 16, 6, 4],
  [1, 33, 1, 1],
  [2, 8, 1, 5],
];
const widths = [
  [2, 3],
  [16, 32],
  [5, 40],
];

describe('concatenations are written in place', () => {
  describe.each(shapes)('%i x %i x %i x %i', (...shape) => {
    test.each(widths)('by two convolutions of %i and %i channels (SqueezeNet)', (a, b) => {
      const twin = new Twin(shape);
      const x = twin.conv(twin.x(), 4, 1);
      const names = twin.check(twin.conv(twin.cat(twin.conv(x, a, 1), twin.conv(x, b, 3)), 4, 1));
      expect(names).not.toContain('concat');
    });

    test.each(widths)('once, where the prefix grows by %i and %i channels (DenseNet)', (a, b) => {
      const twin = new Twin(shape);
      const layer = (features: readonly [Node, Image][], width: number) =>
        twin.conv(twin.normalize(twin.conv(twin.normalize(twin.cat(...features)), 6, 1)), width, 3);
      const features = [twin.conv(twin.x(), 4, 3)];
      for (const width of [a, b, a]) features.push(layer(features, width));
      const names = twin.check(twin.conv(twin.normalize(twin.cat(...features)), 5, 1));
      expect(names).not.toContain('concat');
      // Of the input, and of the output to row-major order.
      expect(names.filter((op) => op === 'copy').length).toBeLessThanOrEqual(2);
    });

    test.each(widths)('inside of one another, %i and %i channels', (a, b) => {
      const twin = new Twin(shape);
      const x = twin.conv(twin.x(), 4, 1);
      const inner = twin.cat(twin.conv(x, a, 3), twin.normalize(twin.conv(x, b, 1)));
      const names = twin.check(twin.conv(twin.cat(twin.conv(x, 2, 1), inner), 4, 3));
      expect(names).not.toContain('concat');
    });

    test.each(widths)('where a part is read elsewhere, %i and %i channels', (a, b) => {
      const twin = new Twin(shape);
      const x = twin.conv(twin.x(), 4, 1);
      // One convolution's result is convolved again, which wants it dense: that one is copied. So is a single channel.
      const first = twin.conv(x, a, 1);
      const second = twin.conv(first, b, 3);
      const last = twin.conv(x, 1, 3);
      twin.check(twin.conv(twin.cat(first, second, last, twin.normalize(second)), 4, 1));
    });
  });

  it('by the requantizations of inputs with other parameters', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 5, 6, 6]);
    const pooled = (scale: number) =>
      b.call('aten.max_pool2d.default', b.quantize(x, scale, 128), [3, 3], [1, 1], [1, 1]);
    const parts = [0.02, 0.03].map((scale) =>
      b.quantize(b.dequantize(pooled(scale), scale, 128), 0.025, 120),
    );
    const all = b.call('aten.cat.default', parts, 1);
    const again = b.call('aten.max_pool2d.default', all, [2, 2]);
    const plan = checkAgainstInterpreter(lower(b.finish(b.dequantize(again, 0.025, 120))).module);
    expect(steps(plan)).not.toContain('concat');
    expect(steps(plan)).not.toContain('copy');
    // Both tables' results lie in one tensor of 10 channels.
    const tables = plan.desc.steps.filter(({ op }) => op === 'lookup');
    const places = tables.map(({ outputs: [at] }) => plan.desc.values[at]);
    expect(places.map(({ strides }) => strides)).toEqual([
      [360, 1, 60, 10],
      [360, 1, 60, 10],
    ]);
    const offsets = places.map(({ storage }) => (storage.kind === 'arena' ? storage.offset : Number.NaN));
    expect(offsets[1] - offsets[0]).toBe(5);
  });

  it('not by steps whose results are outputs, views, inputs or constants', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [1, 4, 6, 6]);
    const weight = b.parameter('w', [4, 4, 1, 1]);
    const conv = (from: Node) => b.call('aten.conv2d.default', from, weight);
    const output = conv(x);
    const viewed = conv(output);
    const all = b.call('aten.cat.default', [output, viewed, x, b.parameter('c', [1, 4, 6, 6])], 1);
    const flat = b.call('aten.flatten.using_ints', viewed, 1);
    const wide = b.call('aten.conv2d.default', all, b.parameter('v', [2, 16, 1, 1]));
    const plan = checkAgainstInterpreter(b.finish(output, wide, flat));
    expect(steps(plan)).toContain('concat');
  });

  it('where one value takes several places, in several concatenations', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 4, 5, 5]);
    const value = b.batchNorm(b.call('aten.conv2d.default', x, b.parameter('w', [4, 4, 1, 1])), 4);
    const other = b.batchNorm(value, 4);
    const cat = (...parts: readonly Node[]) => b.call('aten.cat.default', parts, 1);
    const conv = (from: Node, channels: number) =>
      b.call('aten.conv2d.default', from, b.parameter('w', [3, channels, 3, 3]));
    checkAgainstInterpreter(
      b.finish(
        conv(cat(value, value, other), 12),
        conv(cat(other, value), 8),
        b.batchNorm(cat(value, other), 8),
        b.call('aten.relu.default', cat(value, other)),
      ),
    );
  });

  it('along every axis, in both memory orders', () => {
    for (const shape of [
      [2, 3, 4, 5],
      [1, 3, 4, 5],
      [3, 4, 5],
      [4, 6],
    ])
      for (const axis of shape.keys())
        for (const convolved of [false, true]) {
          if (convolved && shape.length !== 4) continue;
          const b = new GraphBuilder();
          const x = b.input('x', shape);
          const from = convolved
            ? b.call('aten.conv2d.default', x, b.parameter('w', [shape[1], shape[1], 1, 1]))
            : b.call('aten.relu.default', x);
          const parts = [0.02, 0.03].map((scale) => b.quantizeDequantize(from, scale, 100));
          const all = b.call('aten.cat.default', [parts[0], from, parts[1]], axis);
          const plan = checkAgainstInterpreter(b.finish(b.call('aten.sigmoid.default', all)));
          expect(steps(plan)).not.toContain('concat');
        }
  });
});

describe('networks', () => {
  const image = uniform([1, 3, 64, 64], -2, 2, 5);
  async function quantized(name: string): Promise<GraphModule> {
    manualSeed(0);
    const model = referenceModels[name]();
    model.eval();
    const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
    const prepared = preparePt2e(exportModel(model, { x: image }), quantizer);
    await calibrate(prepared, [image]);
    return lower(convertPt2e(prepared)).module;
  }

  test.each([
    // What flows into the head is the only thing left to copy.
    ['squeezenet1_1', 0],
    // A block's input is made by a pool, which writes a tensor of its own: one copy a block, not one a layer and feature.
    ['densenet121', 4],
  ])('%s concatenates without copying what convolutions gave', async (name, copies) => {
    const plan = checkAgainstInterpreter(await quantized(name));
    expect(steps(plan)).not.toContain('concat');
    expect(steps(plan).filter((op) => op === 'copy')).toHaveLength(copies);
  });
});
