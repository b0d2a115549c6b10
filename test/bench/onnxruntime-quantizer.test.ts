import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { OnnxRuntimeQuantizer, onnxRuntimeConfig } from '../../bench/onnxruntime-quantizer.ts';
import { pseudoRandom } from '../../bench/pseudo-random.ts';
import {
  calibrate,
  convertPt2e,
  exportOnnx,
  loadPt2,
  preparePt2e,
  Tensor,
  X86Quantizer,
} from '../../lib/index.ts';

it('OnnxRuntimeQuantizer leaves ONNX Runtime nothing to compute in float', async () => {
  const quantizer = new X86Quantizer().setGlobal(onnxRuntimeConfig());
  const prepared = preparePt2e(await loadPt2('models/tiny_cnn.pt2'), new OnnxRuntimeQuantizer(quantizer));
  const shape = [4, 3, 32, 32];
  await calibrate(prepared, [new Tensor('float32', pseudoRandom(4 * 3 * 32 * 32, 1), shape)]);
  const folder = await mkdtemp(join(tmpdir(), 'octavo-'));
  const optimized = join(folder, 'optimized.onnx');
  const options = { optimizedModelFilePath: optimized, logSeverityLevel: 3 } as const;
  await (await InferenceSession.create(exportOnnx(convertPt2e(prepared)), options)).release();
  const kernels = (await readFile(optimized)).toString('latin1');
  await rm(folder, { recursive: true });
  const count = (kernel: string) => kernels.split(kernel).length - 1;
  // Three convolutions and one residual addition; what is left of quantization is the network's input.
  expect(['QLinearConv', 'QLinearAdd', 'QuantizeLinear', 'DequantizeLinear'].map(count)).toEqual([
    3, 1, 1, 0,
  ]);
});
