import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  calibrate,
  compile,
  convertPt2e,
  exportModel,
  exportOnnx,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  lower,
  preparePt2e,
  type Quantizer,
  Tensor,
  X86Quantizer,
} from '../lib/index.ts';
import { manualSeed } from '../lib/nn/index.ts';
import { referenceModels } from './models/index.ts';
import { OnnxRuntimeQuantizer } from './onnxruntime-quantizer.ts';
import { pseudoRandom } from './pseudo-random.ts';

/** Paths of one network in every form that is compared. */
export interface NetworkFiles {
  readonly octavoFp32: string;
  readonly octavoInt8: string;
  readonly onnxFp32: string;
  readonly onnxInt8: string;
}

/** Input of all networks, without the batch. */
export const imageShape = [3, 224, 224] as const;

const calibrationBatches = 2;
const calibrationBatchSize = 4;

/** Builds a network with seeded weights, quantizes it, and writes it for Octavo and for ONNX Runtime. */
export async function prepareNetwork(name: string, folder: string): Promise<NetworkFiles> {
  const captured = captureNetwork(name);
  const files: NetworkFiles = {
    octavoFp32: join(folder, `${name}.octavo`),
    octavoInt8: join(folder, `${name}_int8.octavo`),
    onnxFp32: join(folder, `${name}.onnx`),
    onnxInt8: join(folder, `${name}_int8.onnx`),
  };
  await save(captured, files.octavoFp32);
  await writeFile(files.onnxFp32, exportOnnx(captured));
  await save(await quantize(captured, x86Quantizer()), files.octavoInt8);
  await writeFile(
    files.onnxInt8,
    exportOnnx(await quantize(captured, new OnnxRuntimeQuantizer(x86Quantizer()))),
  );
  return files;
}

/** A network with seeded weights, captured for any batch size. */
function captureNetwork(name: string): GraphModule {
  manualSeed(0);
  const network = referenceModels[name]().eval();
  const example = { dtype: 'float32', shape: [2, ...imageShape] } as const;
  return exportModel(network, { x: example }, { dynamicBatch: true });
}

/** The int8 form of a network, lowered. */
export async function lowerInt8(name: string): Promise<GraphModule> {
  return lower(await quantize(captureNetwork(name), x86Quantizer())).module;
}

/** The recipe for this CPU. */
export function x86Quantizer(): X86Quantizer {
  return new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
}

async function save(module: GraphModule, path: string): Promise<void> {
  using model = compile(lower(module).module);
  await model.save(path);
}

async function quantize(module: GraphModule, quantizer: Quantizer): Promise<GraphModule> {
  const prepared = preparePt2e(module, quantizer);
  const shape = [calibrationBatchSize, ...imageShape];
  const batches = Array.from({ length: calibrationBatches }, (_, i) => {
    const data = pseudoRandom(
      shape.reduce((a, b) => a * b, 1),
      i + 1,
    );
    return new Tensor('float32', data, shape);
  });
  await calibrate(prepared, batches);
  return convertPt2e(prepared);
}
