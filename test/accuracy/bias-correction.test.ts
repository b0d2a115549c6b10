import { describe, expect, it } from 'vitest';
import { biasCorrection } from '../../lib/accuracy/bias-correction.ts';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter, type Node } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { withShapes } from '../support/with-shapes.ts';

/** With few bits rounding moves means far. */
async function quantized(module: GraphModule, batches: readonly Tensor[]): Promise<GraphModule> {
  const config = getDefaultX86QuantizationConfig({ weightBits: 4 });
  const prepared = preparePt2e(withShapes(module), new X86Quantizer().setGlobal(config));
  await calibrate(prepared, batches);
  return convertPt2e(prepared);
}

/** Two linear layers on [batch, 6]; the second has no bias. */
function linears(): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [64, 6]);
  const hidden = b.call('aten.linear.default', x, b.parameter('w1', [8, 6]), b.parameter('b1', [8]));
  const y = b.call(
    'aten.linear.default',
    b.call('aten.relu.default', hidden),
    b.parameter('w2', [4, 8]),
    null,
  );
  return b.finish(y);
}

/** A convolution, a depthwise one, and a linear layer on what is left of the image. */
function convolutions(): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [16, 3, 6, 6]);
  const first = b.call(
    'aten.conv2d.default',
    x,
    b.parameter('w1', [8, 3, 3, 3]),
    b.parameter('b1', [8]),
    [1, 1],
    [1, 1],
  );
  const deep = b.call(
    'aten.conv2d.default',
    b.call('aten.relu.default', first),
    b.parameter('w2', [8, 1, 3, 3]),
    null,
    [1, 1],
    [1, 1],
    [1, 1],
    8,
  );
  const flat = b.call(
    'aten.flatten.using_ints',
    b.call('aten.adaptive_avg_pool2d.default', b.call('aten.relu.default', deep), [1, 1]),
    1,
  );
  return b.finish(b.call('aten.linear.default', flat, b.parameter('w3', [5, 8]), b.parameter('b3', [5])));
}

type Matrix = readonly (readonly number[])[];

const rowsOf = ({ data, shape }: Tensor): Matrix =>
  Array.from({ length: shape[0] }, (_, i) =>
    Array.from(data.slice(i * shape[1], (i + 1) * shape[1]) as Float32Array),
  );

const linear = (x: Matrix, w: Matrix, b: readonly number[]): Matrix =>
  x.map((row) => w.map((weights, o) => weights.reduce((sum, weight, i) => sum + weight * row[i], b[o])));

const relu = (x: Matrix) => x.map((row) => row.map((value) => Math.max(value, 0)));

const meanOf = (x: Matrix) => x[0].map((_, c) => x.reduce((sum, row) => sum + row[c], 0) / x.length);

/** What a quantized linear layer reads, by the converted graph: how its input is rounded, and its weight. */
function readLayer(module: GraphModule, layer: Node) {
  const [input, weight] = layer.args as readonly Node[];
  const [, scale, zeroPoint] = input.args as readonly [Node, number, number];
  const [q, scales] = (weight.args as readonly Node[]).map(
    (arg) => arg.op === 'get_attr' && module.attribute(arg.target),
  );
  const factors = (scales as Tensor).toArray() as number[];
  return {
    round: (x: Matrix): Matrix =>
      x.map((row) =>
        row.map(
          (value) => (Math.min(Math.max(Math.round(value / scale) + zeroPoint, 0), 255) - zeroPoint) * scale,
        ),
      ),
    weight: rowsOf(q as Tensor).map((row, o) => row.map((value) => value * factors[o])),
  };
}

/** The means of a node's channels in float64, of what the interpreter gives; channels are the second axis. */
function interpretedMeans(module: GraphModule, name: string, x: Tensor): number[] {
  const copy = module.clone();
  const node = copy.graph.nodes.find((each) => each.name === name)!;
  copy.graph.eraseNode(copy.graph.outputNode);
  copy.graph.output([node]);
  copy.graph.eliminateDeadCode();
  const [{ data, shape }] = new Interpreter(copy, operators).run([x]) as readonly Tensor[];
  const inner = shape.slice(2).reduce((a, b) => a * b, 1);
  const sums: number[] = Array(shape[1]).fill(0);
  (data as Float32Array).forEach((value, i) => {
    sums[Math.floor(i / inner) % shape[1]] += value;
  });
  return sums.map((sum) => sum / (shape[0] * inner));
}

describe('biasCorrection', () => {
  it('subtracts what quantization adds to the means, computed in float64, layer after layer', async () => {
    const module = linears();
    const x = uniform([64, 6], 0, 1, 9);
    const converted = await quantized(module, [x]);
    const { corrections } = await biasCorrection(module, converted, [x]);
    const [first, second] = converted.graph.nodes
      .filter(({ target }) => target === 'aten.linear.default')
      .map((node) => readLayer(converted, node));
    const bias = Array.from(module.attribute('b1').data as Float32Array);
    const none = [0, 0, 0, 0];
    const float1 = linear(rowsOf(x), rowsOf(module.attribute('w1')), bias);
    const float2 = linear(relu(float1), rowsOf(module.attribute('w2')), none);
    const quantized1 = linear(first.round(rowsOf(x)), first.weight, bias);
    const shift1 = meanOf(quantized1).map((mean, c) => mean - meanOf(float1)[c]);
    const corrected1 = linear(
      first.round(rowsOf(x)),
      first.weight,
      bias.map((value, c) => value - shift1[c]),
    );
    const quantized2 = linear(second.round(relu(corrected1)), second.weight, none);
    const shift2 = meanOf(quantized2).map((mean, c) => mean - meanOf(float2)[c]);
    // Without a correction before it the second layer's is another one: what follows can tell them apart.
    const uncorrected = meanOf(linear(second.round(relu(quantized1)), second.weight, none)).map(
      (mean, c) => mean - meanOf(float2)[c],
    );
    expect(Math.max(...uncorrected.map((value, c) => Math.abs(value - shift2[c])))).toBeGreaterThan(5e-3);
    for (const [name, shift] of [
      ['linear_default', shift1],
      ['linear_default_1', shift2],
    ] as const)
      shift.forEach((expected, c) => {
        // A value between two steps of 0.02 may round to the other one: that is 0.02 / 64 of a mean, times a weight below 1.
        expect(Math.abs(corrections.get(name)![c] - expected), `${name}[${c}]`).toBeLessThan(5e-4);
        expect(Math.max(...shift.map(Math.abs))).toBeGreaterThan(1e-2);
      });
  });

  it('leaves no difference of means at any layer, over batches of several images', async () => {
    const module = convolutions();
    const batches = [uniform([16, 3, 6, 6], -1, 1, 9), uniform([16, 3, 6, 6], -1, 2, 10)];
    const converted = await quantized(module, batches);
    const progress: string[] = [];
    const { module: corrected } = await biasCorrection(module, converted, batches, {
      onProgress: (layers, total) => progress.push(`${layers}/${total}`),
    });
    expect(progress).toEqual(['1/3', '2/3', '3/3']);
    for (const layer of ['conv2d_default', 'conv2d_default_1', 'linear_default']) {
      const means = (of: GraphModule) => {
        const [a, b] = batches.map((x) => interpretedMeans(of, layer, x));
        return a.map((value, c) => (value + b[c]) / 2);
      };
      const [float, before, after] = [module, converted, corrected].map(means);
      expect(Math.max(...before.map((mean, c) => Math.abs(mean - float[c])))).toBeGreaterThan(5e-3);
      // Averages and biases are float32.
      after.forEach((mean, c) => {
        expect(Math.abs(mean - float[c]), `${layer}[${c}]`).toBeLessThan(1e-5);
      });
    }
  });

  it('makes what runs on integers more accurate, and leaves both models as they were', async () => {
    const module = linears();
    const x = uniform([64, 6], 0, 1, 9);
    const converted = await quantized(module, [x]);
    const before = [...converted.attributes.values()].map(({ data }) => Array.from(data as Float32Array));
    const { module: corrected } = await biasCorrection(module, converted, [x]);
    const run = (each: GraphModule) => {
      using model = compile(lower(each).module);
      return Object.values(model.runSync(x))[0].data as Float32Array;
    };
    const reference = run(module);
    const error = (each: GraphModule) =>
      run(each).reduce((sum, value, i) => sum + (value - reference[i]) ** 2, 0);
    expect(error(corrected)).toBeLessThan(0.7 * error(converted));
    expect([...converted.attributes.values()].map(({ data }) => Array.from(data as Float32Array))).toEqual(
      before,
    );
  });

  it('says what is wrong', async () => {
    const [module, x] = [linears(), uniform([64, 6], -1, 1, 9)];
    const converted = await quantized(module, [x]);
    await expect(biasCorrection(module, module, [x])).rejects.toThrow('the second model has no quantized');
    await expect(biasCorrection(convolutions(), converted, [x])).rejects.toThrow(
      "the first model has no layer 'linear_default_1'",
    );
    await expect(biasCorrection(module, converted, [])).rejects.toThrow(
      'biasCorrection: there are no batches',
    );
    await expect(biasCorrection(module, converted, [uniform([64, 5], 0, 1, 1)])).rejects.toThrow(
      /biasCorrection: batch 0: .*\[64, 5\]/,
    );
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(biasCorrection(module, converted, [x], { signal })).rejects.toThrow('enough');
    const infinite = uniform([64, 6], -1, 1, 9);
    infinite.data.fill(Number.POSITIVE_INFINITY as never, 0, 1);
    await expect(biasCorrection(module, converted, [infinite])).rejects.toThrow(
      /layer 'linear_default' returns a value that is not/,
    );
  });
});
