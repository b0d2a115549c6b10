import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportModel, exportOnnx } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';

/** Two layers of one input, a third one of their sum. */
class Layers extends nn.Module {
  readonly first = new nn.Linear(32, 24);
  readonly second = new nn.Linear(32, 24);
  readonly third = new nn.Linear(24, 7);

  forward(x: nn.Value): nn.Value {
    const { functional: F } = nn;
    return this.third.call(F.gelu(F.add(this.first.call(x), this.second.call(x))));
  }
}

function layers(): GraphModule {
  nn.manualSeed(0);
  const x = { dtype: 'float32', shape: [2, 5, 32] } as const;
  return exportModel(new Layers().eval(), { x }, { dynamicBatch: true });
}

function quantized(options: { readonly reduceRange?: boolean } = {}): GraphModule {
  const config = getDefaultX86QuantizationConfig({ ...options, isDynamic: true });
  return convertPt2e(preparePt2e(layers(), new X86Quantizer().setFunctionTypeQconfig('linear', config)));
}

describe('exportOnnx of a model quantized dynamically', () => {
  it('gives ONNX Runtime the same numbers, at every batch size', async () => {
    const module = quantized();
    const session = await InferenceSession.create(exportOnnx(module), {
      // Without VNNI, its int8 sums saturate unless it is asked for exact ones.
      extra: { session: { x64quantprecision: '1' } },
    });
    for (const [batch, low, high] of [
      [1, -1, 1],
      [3, -0.5, 4],
    ]) {
      const x = uniform([batch, 5, 32], low, high, 9);
      const [expected] = new Interpreter(module, operators).run([x]);
      const feeds = { x: new OrtTensor('float32', x.data as Float32Array, x.shape) };
      const { data, dims } = (await session.run(feeds))[session.outputNames[0]];
      expect(dims).toEqual(expected.shape);
      const values = expected.toArray();
      const differences = values.map((value, i) => Math.abs(value - (data as Float32Array)[i]));
      // The first layers' integers are the same and their sums exact. Of the third one's input, of a range below 3, an
      // element may be rounded the other way: 3 / 255 times a weight below 0.21.
      expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0.1);
      expect(Math.max(...differences)).toBeLessThan(2.5e-3);
      expect(differences.reduce((a, b) => a + b) / values.length).toBeLessThan(2e-4);
    }
    await session.release();
  });

  it('lets ONNX Runtime fuse its layers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'octavo-'));
    const optimized = join(folder, 'optimized.onnx');
    const options = { optimizedModelFilePath: optimized, logSeverityLevel: 3 } as const;
    await (await InferenceSession.create(exportOnnx(quantized()), options)).release();
    // Layers that share an input share its quantization; a layer with an input of its own is fused with it.
    expect((await readFile(optimized)).toString('latin1')).toMatch(
      /DynamicQuantizeLinear.*MatMulIntegerToFloat.*DynamicQuantizeMatMul/s,
    );
    await rm(folder, { recursive: true });
  });

  it.each([13, 21] as const)(
    'spells out a range that ONNX does not choose parameters for, in operator set %i',
    async (opset) => {
      const module = quantized({ reduceRange: true });
      const session = await InferenceSession.create(exportOnnx(module, { opset }));
      const x = uniform([2, 5, 32], -1, 2, 9);
      const [expected] = new Interpreter(module, operators).run([x]);
      const feeds = { x: new OrtTensor('float32', x.data as Float32Array, x.shape) };
      const { data } = (await session.run(feeds))[session.outputNames[0]];
      const differences = expected.toArray().map((value, i) => Math.abs(value - (data as Float32Array)[i]));
      // As above, with steps twice as wide.
      expect(Math.max(...differences)).toBeLessThan(5e-3);
      await session.release();
    },
  );

  it('quantizes a tensor with parameters that were chosen for another one', async () => {
    const b = new GraphBuilder();
    const [x, y] = [b.input('x', [4]), b.input('y', [4])];
    const chosen = b.call('quantized_decomposed.choose_qparams.tensor', x, 0, 255, 1e-5, 'uint8');
    const [scale, zeroPoint] = [0, 1].map((i) => b.call('operator.getitem', chosen, i));
    const args = [scale, zeroPoint, 0, 255, 'uint8'];
    const q = b.call('quantized_decomposed.quantize_per_tensor.tensor', y, ...args);
    const module = b.finish(b.call('quantized_decomposed.dequantize_per_tensor.tensor', q, ...args));
    const session = await InferenceSession.create(exportOnnx(module));
    const inputs = [uniform([4], -1, 1, 1), uniform([4], -2, 2, 2)];
    const [expected] = new Interpreter(module, operators).run(inputs);
    const [a, c] = inputs.map(({ data }) => new OrtTensor('float32', data as Float32Array, [4]));
    const { data } = (await session.run({ x: a, y: c }))[session.outputNames[0]];
    for (const [i, value] of expected.toArray().entries())
      expect((data as Float32Array)[i]).toBeCloseTo(value, 6);
    await session.release();
  });
});
