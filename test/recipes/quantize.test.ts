import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  compile,
  getDefaultX86QuantizationConfig,
  type LoweringReport,
  loadPt2,
  lower,
  type QuantizationOverrides,
  quantizeDynamic,
  quantizeStatic,
  type Tensor,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { calibrationBatches, goldenTensor } from '../support/pt2e-goldens.ts';
import { greatestDifference } from '../support/run-pass.ts';

const tinyCnn = new URL('../../models/tiny_cnn.pt2', import.meta.url).pathname;
const encoder = () => loadPt2(readFileSync(new URL('../fixtures/quantization/encoder.pt2', import.meta.url)));
const reduceRange = false;

/** Convolutions and linear layers, and the operators that compute them. */
function layersOf(report: LoweringReport): Record<string, string | null> {
  const layers = report.nodes.filter(({ target }) => /aten\.(conv|linear)/.test(target));
  return Object.fromEntries(layers.map(({ node, step }) => [node, step]));
}

async function staticLayers(overrides: QuantizationOverrides) {
  let report: LoweringReport | undefined;
  const onReport = (given: LoweringReport) => {
    report = given;
  };
  const batches = [goldenTensor('tiny_cnn/calib_0')];
  using model = await quantizeStatic(tinyCnn, batches, { reduceRange, overrides, onReport });
  expect(model.inputs).toHaveLength(1);
  return layersOf(report!);
}

const quantizedCnn = {
  conv2d: 'onednn.qconv2d_pointwise.default',
  conv2d_1: 'onednn.qconv2d_pointwise.default',
  conv2d_2: 'onednn.qconv2d_pointwise.binary',
  linear: 'onednn.qlinear_pointwise.default',
};

describe('quantizeStatic', () => {
  it('lets what is not quantized compute in bfloat16 when asked to', async () => {
    let report: LoweringReport | undefined;
    using model = await quantizeStatic(tinyCnn, [goldenTensor('tiny_cnn/calib_0')], {
      reduceRange,
      autocast: { dtype: 'bfloat16', force: true },
      overrides: { moduleNames: { conv2: null } },
      onReport: (given) => {
        report = given;
      },
    });
    const dtypes = Object.fromEntries(report!.nodes.map(({ node, dtype }) => [node, dtype]));
    expect(dtypes).toMatchObject({ conv2d: 'uint8', conv2d_1: 'bfloat16', conv2d_2: 'uint8' });
    expect(model.outputs[0].dtype).toBe('float32');
  });

  it('gives in one call what PyTorch gives stage by stage', async () => {
    const progress: number[] = [];
    using model = await quantizeStatic(tinyCnn, calibrationBatches('tiny_cnn'), {
      reduceRange,
      strict: true,
      threadsPerStream: 1,
      metadata: { made: 'here' },
      onProgress: (batches) => progress.push(batches),
    });
    expect(progress).toEqual([1, 2, 3, 4]);
    expect(model.metadata).toEqual({ made: 'here' });
    const [output] = Object.values(await model.run(goldenTensor('tiny_cnn/eval_in')));
    // Sums within one integer kernel are exact, but a requantized value may round to the neighbour (a step is about
    // 0.01), and the last layer adds such up with weights below 1.
    expect(greatestDifference(output as Tensor, goldenTensor('tiny_cnn/eval_out_qdq'))).toBeLessThan(0.02);
  });

  describe('tunes for the threads that the model has', () => {
    afterEach(() => vi.unstubAllEnvs());
    it.each([
      [{ preset: 'throughput' } as const, []],
      [{ streams: 2 }, ['1', '2']],
      [{ threadsPerStream: 3 }, ['1', '2', '3']],
    ])('with %j, of four', async (options, tried) => {
      vi.stubEnv('OMP_NUM_THREADS', '4');
      const tune = goldenTensor('tiny_cnn/calib_0');
      using model = await quantizeStatic(tinyCnn, [tune], { reduceRange, tune, ...options });
      expect(model.tuning.layers).toHaveLength(4);
      expect(model.tuning.threads.flatMap(({ times }) => Object.keys(times))).toEqual(tried);
    });
  });

  it('takes a module with example inputs', async () => {
    nn.manualSeed(3);
    const module = new nn.Sequential(new nn.Linear(16, 32), new nn.ReLU(), new nn.Linear(32, 4)).eval();
    const exampleInputs = { x: { dtype: 'float32', shape: [1, 16] } } as const;
    const batches = [1, 2, 3].map((seed) => uniform([8, 16], -1, 1, seed));
    const source = { module, exampleInputs, dynamicBatch: true };
    using model = await quantizeStatic(source, batches, { reduceRange });
    for (const rows of [1, 5])
      expect(Object.values(await model.run(uniform([rows, 16], -1, 1, 9)))[0].shape).toEqual([rows, 4]);
  });

  it('overrides by name, type and operator, names first', async () => {
    const config = getDefaultX86QuantizationConfig({ reduceRange });
    expect(await staticLayers({})).toEqual(quantizedCnn);
    expect(await staticLayers({ moduleNames: { fc: null } })).toEqual({
      ...quantizedCnn,
      linear: 'mkldnn._linear_pointwise.default',
    });
    expect(await staticLayers({ moduleTypes: [[nn.Linear, null]] })).toMatchObject({
      linear: 'mkldnn._linear_pointwise.default',
    });
    const convolutions = { operators: { 'aten.conv2d.default': null }, moduleNames: { conv1: config } };
    expect(await staticLayers(convolutions)).toMatchObject({
      conv2d: 'onednn.qconv2d_pointwise.default',
      conv2d_1: 'mkldnn._convolution_pointwise.default',
      linear: 'onednn.qlinear_pointwise.default',
    });
  });

  it('refuses overrides of what is not there', async () => {
    await expect(staticLayers({ moduleNames: { fc9: null } })).rejects.toThrow(
      /no module 'fc9'; it has conv1, .*fc/,
    );
    await expect(staticLayers({ moduleTypes: [[nn.ReLU, null]] })).rejects.toThrow(/cannot configure 'ReLU'/);
    await expect(staticLayers({ operators: { 'aten.sigmoid.default': null } })).rejects.toThrow(
      /cannot configure 'sigmoid'/,
    );
    const dynamic = getDefaultX86QuantizationConfig({ isDynamic: true, reduceRange });
    await expect(staticLayers({ moduleNames: { fc: dynamic } })).rejects.toThrow(/static and dynamic/);
    await expect(quantizeStatic(tinyCnn, [], { reduceRange })).rejects.toThrow(/at least one batch/);
  });
});

describe.each([
  ['quantizeStatic', (model: unknown) => quantizeStatic(model as string, [])],
  ['quantizeDynamic', (model: unknown) => quantizeDynamic(model as string)],
])('%s', (name, quantize) => {
  it.each([
    [loadPt2(tinyCnn), 'a Promise; await it first'],
    [null, 'null'],
    [undefined, 'undefined'],
    [7, 'number'],
    [{}, 'object'],
  ])('says what it must be given %#', async (model, got) => {
    const expected = 'a GraphModule, { module, exampleInputs } or the path of a .pt2 or .onnx file';
    await expect(quantize(model)).rejects.toThrow(`${name}: expected ${expected}, got ${got}`);
  });
});

describe('a model in which nothing can be quantized', () => {
  const relu = () => ({
    module: new nn.Sequential(new nn.ReLU(), new nn.Sigmoid()).eval(),
    exampleInputs: { x: { dtype: 'float32', shape: [1, 16] } } as const,
  });
  const has = 'the model has aten.relu.default (1), aten.sigmoid.default (1)';

  it('is refused with what was looked for', async () => {
    await expect(quantizeStatic(relu(), [uniform([1, 16], -1, 1, 1)])).rejects.toThrow(
      'nothing in the model can be quantized: the recipe looks for conv2d, linear, conv1d followed by relu, ' +
        `mul of two tensors of one shape; ${has}`,
    );
    await expect(quantizeDynamic(relu())).rejects.toThrow(`the recipe looks for linear, lstm, gru; ${has}`);
  });

  it('is refused where overrides leave nothing', async () => {
    const overrides = { moduleNames: { fc: null } };
    await expect(quantizeDynamic(tinyCnn, { overrides })).rejects.toThrow(
      /looks for linear, lstm, gru, as far as the overrides leave them; the model has aten.conv2d.default \(3\)/,
    );
  });
});

describe('quantizeDynamic', () => {
  it('runs the linear layers of an encoder on integers, with no calibration', async () => {
    const { inputs, dynamic } = JSON.parse(
      readFileSync(new URL('../fixtures/quantization/encoder.json', import.meta.url), 'utf8'),
    );
    const x = uniform(inputs[0].shape, 0, 0, 1);
    x.data.set(inputs[0].data);
    let report: LoweringReport | undefined;
    using model = await quantizeDynamic(await encoder(), {
      reduceRange,
      strict: true,
      threadsPerStream: 1,
      onReport: (given) => {
        report = given;
      },
    });
    const steps = Object.values(layersOf(report!));
    expect(steps.length).toBeGreaterThan(3);
    for (const step of steps) expect(step).toMatch(/^onednn\.qlinear_pointwise\.(tensor|binary_tensor)$/);
    const [output] = Object.values(await model.run(x)) as Tensor[];
    // One value that rounds to the next integer (about 0.01 here) moves a layer norm's output by at most 0.02.
    output.toArray().forEach((value, i) => {
      expect(Math.abs(value - dynamic.output[i])).toBeLessThanOrEqual(0.02);
    });
  });

  it('leaves what is named in float', async () => {
    let report: LoweringReport | undefined;
    const source = {
      module: new nn.Sequential(new nn.Linear(16, 8), new nn.Linear(8, 4)).eval(),
      exampleInputs: { x: { dtype: 'float32', shape: [1, 16] } },
    } as const;
    using model = await quantizeDynamic(source, {
      overrides: { moduleNames: { 1: null } },
      onReport: (given) => {
        report = given;
      },
    });
    expect(model.inputs).toHaveLength(1);
    expect(layersOf(report!)).toEqual({
      linear: 'onednn.qlinear_pointwise.tensor',
      linear_1: 'mkldnn._linear_pointwise.default',
    });
  });

  it('quantizes a weight that is computed from parameters', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', [3, 8]);
    const adapter = b.call('aten.matmul.default', b.parameter('b', [6, 2]), b.parameter('a', [2, 8]));
    const scaled = b.call('aten.mul.Tensor', adapter, 0.5);
    const weight = b.call('aten.add.Tensor', b.parameter('w', [6, 8]), scaled);
    const module = b.finish(b.call('aten.linear.default', x, weight, b.parameter('bias', [6])));
    using model = await quantizeDynamic(module, { strict: true });
    using float = compile(lower(module).module);
    const input = uniform([3, 8], -1, 1, 11);
    const [[got], [expected]] = [await model.run(input), await float.run(input)].map(Object.values);
    // 8 products of an input that is off by half a step of 2 / 255 and a weight that is off by half a step of 1 / 127
    // (weights are below 2): 8 (2 / 255 + 1 / 127), and the truth is far below.
    expect(greatestDifference(got, expected)).toBeLessThan(0.13);
    expect(greatestDifference(got, expected)).toBeGreaterThan(0);
  });

  /** To the nearest whole number, of two to the even one: a row's largest weight lies between two. */
  const toEven = (x: number) => (x % 1 === 0.5 || x % 1 === -0.5 ? 2 * Math.round(x / 2) : Math.round(x));

  /** The recipe in float64: 8-bit weights by row, and inputs quantized between their least and greatest element. */
  function byTheRecipe(x: readonly number[], weight: Tensor): number[] {
    const quantized = (values: readonly number[], scale: number, zero: number, low: number, high: number) =>
      values.map((v) => (Math.min(Math.max(toEven(v / scale) + zero, low), high) - zero) * scale);
    const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
    const scale = (high - low) / 255;
    const input = quantized(x, scale, toEven(-low / scale), 0, 255);
    const [rows, columns] = weight.shape;
    return Array.from({ length: x.length / columns }, (_, i) =>
      Array.from({ length: rows }, (_, row) => {
        const w = weight.toArray().slice(row * columns, (row + 1) * columns);
        const real = quantized(w, (2 * Math.max(...w.map(Math.abs))) / 255, 0, -128, 127);
        return real.reduce((sum, v, k) => sum + v * input[i * columns + k], 0);
      }),
    ).flat();
  }

  it.each([[[16]], [[3, 16]], [[2, 3, 4, 16]]])(
    'computes inputs of shape %j by the recipe',
    async (shape) => {
      const b = new GraphBuilder();
      const module = b.finish(b.call('aten.linear.default', b.input('x', shape), b.parameter('w', [5, 16])));
      using model = await quantizeDynamic(module, { strict: true });
      const x = uniform(shape, -1, 1, 31);
      const [got] = Object.values(await model.run(x));
      expect(got.shape).toEqual([...shape.slice(0, -1), 5]);
      const expected = byTheRecipe(x.toArray(), module.attribute('w'));
      // Integer sums are exact; scales are float32, so that a product of 16 terms below 1 errs by about 16 * 2^-23.
      got.toArray().forEach((value, i) => {
        expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
      });
    },
  );

  it('leaves convolutions in float', async () => {
    let report: LoweringReport | undefined;
    const onReport = (given: LoweringReport) => {
      report = given;
    };
    using whole = await quantizeDynamic(tinyCnn, { reduceRange, strict: true, onReport });
    expect(layersOf(report!)).toEqual({
      conv2d: 'mkldnn._convolution_pointwise.default',
      conv2d_1: 'mkldnn._convolution_pointwise.default',
      conv2d_2: 'mkldnn._convolution_pointwise.binary',
      linear: 'onednn.qlinear_pointwise.tensor',
    });
    using without = compile(lower(await loadPt2(tinyCnn)).module);
    const x = goldenTensor('tiny_cnn/eval_in');
    const [int8, float] = await Promise.all([whole.run(x), without.run(x)]);
    const difference = greatestDifference(Object.values(int8)[0], Object.values(float)[0]);
    // One layer's 8-bit steps: there, and small.
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.05);
  });
});
