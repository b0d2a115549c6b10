import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { operators } from '../../lib/aten/index.ts';
import { exportModel, exportOnnx, loadPt2 } from '../../lib/capture/index.ts';
import { type Argument, Graph, GraphModule, Interpreter, type Node, SymInt } from '../../lib/graph/index.ts';
import { manualSeed } from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

/** Seeded values in [-1, 1). */
function random(shape: readonly number[], seed = 1): Tensor {
  let state = seed;
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return new Tensor('float32', values, shape);
}

class TestGraph {
  readonly graph = new Graph();
  readonly x: Node;
  readonly #weights = new Map<string, Tensor>();

  /** One input `x` with a symbolic batch in front of `shape`. */
  constructor(shape: readonly number[]) {
    this.x = this.graph.placeholder('x');
    this.x.meta.val = { dtype: 'float32', shape: [new SymInt(['s0']), ...shape] };
  }

  weight(name: string, tensor: Tensor): Node {
    this.#weights.set(name, tensor);
    return this.graph.getAttr(name);
  }

  call(target: string, ...args: Argument[]): Node {
    return this.graph.callFunction(target, args);
  }

  returning(node: Node): GraphModule {
    this.graph.output([node]);
    return new GraphModule(this.graph, this.#weights);
  }
}

/** What ONNX Runtime computes for the written model. */
async function runOrt(module: GraphModule, input: Tensor): Promise<Tensor> {
  const session = await InferenceSession.create(exportOnnx(module), {
    // Without VNNI, ONNX Runtime's int8 sums saturate unless it is asked for exact ones.
    extra: { session: { x64quantprecision: '1' } },
  });
  const feeds = {
    [session.inputNames[0]]: new OrtTensor('float32', input.data as Float32Array, input.shape),
  };
  const result = (await session.run(feeds))[session.outputNames[0]];
  await session.release();
  return new Tensor('float32', result.data as Float32Array, result.dims);
}

/** Compares with the interpreter at two batch sizes: `tolerance` is relative to the largest output. */
async function expectSame(module: GraphModule, shape: readonly number[], tolerance: number): Promise<void> {
  for (const batch of [1, 3]) {
    const input = random([batch, ...shape], 7);
    const [expected] = new Interpreter(module, operators).run([input]);
    const actual = await runOrt(module, input);
    expect(actual.shape).toEqual(expected.shape);
    const [a, b] = [actual.toArray(), expected.toArray()];
    const largest = Math.max(...b.map(Math.abs));
    expect(largest).toBeGreaterThan(0);
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i])))).toBeLessThanOrEqual(tolerance * largest);
  }
}

/** Two float32 libraries that sum in different orders agree this well. */
const floatTolerance = 1e-5;

/** Calls on an input of [batch, 4, 8, 8], by the operators they use. */
const calls: Readonly<Record<string, (test: TestGraph) => Node>> = {
  'conv2d, strided, padded, grouped': (t) => {
    const [weight, bias] = [
      t.weight('conv.weight', random([6, 2, 3, 3])),
      t.weight('conv.bias', random([6], 2)),
    ];
    return t.call('aten.conv2d.default', t.x, weight, bias, [2, 1], [1, 0], [1, 1], 2);
  },
  'conv2d, dilated, without bias': (t) =>
    t.call(
      'aten.conv2d.default',
      t.x,
      t.weight('weight', random([2, 4, 3, 3])),
      null,
      [1, 1],
      [2, 2],
      [2, 2],
    ),
  'conv2d, padding "same"': (t) =>
    t.call('aten.conv2d.padding', t.x, t.weight('conv.weight', random([2, 4, 2, 2])), null, [1, 1], 'same'),
  'relu, in place': (t) => t.call('aten.relu_.default', t.x),
  hardtanh: (t) => t.call('aten.hardtanh.default', t.x, -0.5, 0.25),
  'clamp from one side': (t) => t.call('aten.clamp.default', t.x, null, 0.25),
  hardswish: (t) => t.call('aten.hardswish.default', t.x),
  hardsigmoid: (t) => t.call('aten.hardsigmoid.default', t.x),
  silu: (t) => t.call('aten.silu.default', t.x),
  'gelu, by erf': (t) => t.call('aten.gelu.default', t.x),
  'gelu, by tanh': (t) => t.graph.callFunction('aten.gelu.default', [t.x], { approximate: 'tanh' }),
  'leaky relu': (t) => t.call('aten.leaky_relu.default', t.x, 0.2),
  'add with alpha': (t) =>
    t.graph.callFunction('aten.add.Tensor', [t.x, t.call('aten.sigmoid.default', t.x)], { alpha: 2 }),
  'arithmetic with constants of other dtypes': (t) => {
    const [half, three] = [Tensor.scalar('float64', 0.5), Tensor.scalar('int64', 3)];
    const product = t.call('aten.mul.Tensor', t.weight('half', half), t.x);
    return t.call('aten.sub.Tensor', product, t.weight('three', three));
  },
  'one position, counted from either end': (t) =>
    t.call('aten.add.Tensor', t.call('aten.select.int', t.x, 1, -1), t.call('aten.select.int', t.x, -3, 2)),
  'slices, counted from either end': (t) => {
    const inner = t.call('aten.slice.Tensor', t.x, 2, 1, -1, 2);
    return t.call('aten.slice.Tensor', inner, -1, -3, 2 ** 63);
  },
  'mul by a number': (t) => t.call('aten.mul.Tensor', t.x, -3),
  'max pooling, ceil mode': (t) =>
    t.call('aten.max_pool2d.default', t.x, [3, 3], [2, 2], [0, 0], [1, 1], true),
  'max pooling, padded, stride left out': (t) => t.call('aten.max_pool2d.default', t.x, [2, 2], [], [1, 1]),
  'average pooling without its padding': (t) =>
    t.call('aten.avg_pool2d.default', t.x, [3, 3], [2, 2], [1, 1], false, false),
  'adaptive average pooling': (t) => t.call('aten.adaptive_avg_pool2d.default', t.x, [2, 4]),
  'batch normalization': (t) => {
    const [weight, bias] = [t.weight('bn.weight', random([4])), t.weight('bn.bias', random([4], 2))];
    const [mean, variance] = [
      t.weight('bn.mean', random([4], 3)),
      t.weight('bn.var', Tensor.from('float32', [1, 2, 3, 4])),
    ];
    return t.call('aten.batch_norm.default', t.x, weight, bias, mean, variance, false, 0.1, 1e-3, true);
  },
  'concatenation of an input and a constant-free branch': (t) =>
    t.call('aten.cat.default', [t.x, t.call('aten.relu.default', t.x)], 1),
  'flatten and a linear layer': (t) => {
    const flat = t.call('aten.flatten.using_ints', t.x, 1);
    return t.call(
      'aten.linear.default',
      flat,
      t.weight('fc.weight', random([3, 256])),
      t.weight('fc.bias', random([3])),
    );
  },
  'permute, transpose and view': (t) => {
    const moved = t.call('aten.transpose.int', t.call('aten.permute.default', t.x, [0, 2, 3, 1]), -1, 1);
    return t.call('aten.view.default', moved, [-1, 16, 16]);
  },
  'dropout, which does nothing': (t) => t.call('aten.dropout.default', t.x, 0.5, false),
  linear: (t) => {
    const [weight, bias] = [t.weight('fc.weight', random([5, 8])), t.weight('fc.bias', random([5], 2))];
    return t.call('aten.linear.default', t.x, weight, bias);
  },
};

describe('exportOnnx', () => {
  it.each(['tiny_cnn', 'glyph_resnet', 'glyph_mobilenet'])('writes the float model %s', async (name) => {
    // The acceptance bound for float models; the difference is the order of summation.
    await expectSame(await loadPt2(`models/${name}.pt2`), [3, 32, 32], 1e-4);
  });

  it.each(['mobilenet_v3_small', 'squeezenet1_1'])('writes the captured network %s', async (name) => {
    manualSeed(0);
    const example = { dtype: 'float32', shape: [2, 3, 64, 64] } as const;
    const module = exportModel(referenceModels[name]().eval(), { x: example }, { dynamicBatch: true });
    await expectSame(module, [3, 64, 64], 1e-4);
  });

  it('writes a quantized model as QDQ', async () => {
    const module = await loadPt2('test/fixtures/pt2e/tiny_cnn/converted.pt2');
    // The last layer's input has steps of 0.0196 and its weights reach 0.18: one element that is rounded the other way
    // moves an output by up to 0.0035, 0.3 % of the largest one. The int32 biases alone cost far less.
    await expectSame(module, [3, 32, 32], 3e-3);
  });

  it('lets ONNX Runtime make int8 kernels of a quantized model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'octavo-'));
    const optimized = join(folder, 'optimized.onnx');
    const onnx = exportOnnx(await loadPt2('test/fixtures/pt2e/tiny_cnn/converted.pt2'));
    await (
      await InferenceSession.create(onnx, { optimizedModelFilePath: optimized, logSeverityLevel: 3 })
    ).release();
    expect((await readFile(optimized)).toString('latin1')).toMatch(/QLinearConv.*QGemm/s);
    await rm(folder, { recursive: true });
  });

  it('keeps a range narrower than the dtype', async () => {
    const test = new TestGraph([16]);
    const parameters = [0.01, 64, 0, 127, 'uint8'];
    const quantized = test.call('quantized_decomposed.quantize_per_tensor.default', test.x, ...parameters);
    const module = test.returning(
      test.call('quantized_decomposed.dequantize_per_tensor.default', quantized, ...parameters),
    );
    // Values in -1..1 are cut at -0.64 and 0.63.
    await expectSame(module, [16], floatTolerance);
  });

  for (const [name, build] of Object.entries(calls))
    it(`writes ${name}`, async () => {
      const test = new TestGraph([4, 8, 8]);
      await expectSame(test.returning(build(test)), [4, 8, 8], floatTolerance);
    });

  it('lists every operator it cannot write, with counts', () => {
    const test = new TestGraph([3]);
    const twice = test.call('aten.erfinv.default', test.call('aten.erfinv.default', test.x));
    const module = test.returning(test.call('onednn.qlinear_pointwise.default', twice));
    expect(() => exportOnnx(module)).toThrow(
      /cannot be written as ONNX:\n {2}aten\.erfinv\.default: 2 .*\n {2}onednn\.qlinear_pointwise\.default: 1/,
    );
  });
});
