import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  calibrate,
  compile,
  convertPt2e,
  exportModel,
  exportOnnx,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  loadModel,
  loadPt2,
  lower,
  preparePt2e,
  type QuantizationConfig,
  type Quantizer,
  Tensor,
  type X86QuantizationConfigOptions,
  X86Quantizer,
} from '../lib/index.ts';
import { type Module, manualSeed } from '../lib/nn/index.ts';
import { fitBatchNorms } from './batch-norm-statistics.ts';
import { type NetworkSpec, networkOf } from './bench-network.ts';
import { type IntegerTypes, nameOf, withIntegerTypes } from './integer-types.ts';
import { quantizeByOnnxRuntime } from './onnxruntime-dynamic.ts';
import { OnnxRuntimeQuantizer, onnxRuntimeConfig } from './onnxruntime-quantizer.ts';
import type { Precision } from './precisions.ts';
import { pseudoRandom } from './pseudo-random.ts';

/** Paths of one network in every form that is compared, by the form's name. */
export interface NetworkFiles extends NetworkSpec {
  /** By {@link Precision}. */
  readonly octavo: Readonly<Record<string, string>>;
  readonly onnxFp32: string;
  /** By {@link IntegerTypes}: `u8s8`. Empty where ONNX Runtime has no integers for the network. */
  readonly onnxInt8: Readonly<Record<string, string>>;
}

/** Those that ONNX Runtime has kernels for, and its documents speak of. */
const onnxTypes: readonly IntegerTypes[] = [
  { activation: 'uint8', weight: 'int8' },
  { activation: 'int8', weight: 'int8' },
  { activation: 'uint8', weight: 'uint8' },
];

const calibrationBatches = 2;
const calibrationBatchSize = 4;

/** A network by name, for any batch size: trained, or with seeded weights and statistics that fit them. */
export async function captureNetwork(name: string): Promise<GraphModule> {
  const network = networkOf(name);
  if ('file' in network) return loadPt2(network.file);
  manualSeed(0);
  return captureModule(network.build(), network.inputShape);
}

/** The same for any module. Draw its weights from a seed. */
export function captureModule(module: Module, shape: readonly number[]): GraphModule {
  const example = { dtype: 'float32', shape: [2, ...shape] } as const;
  const captured = exportModel(module.eval(), { x: example }, { dynamicBatch: true });
  fitBatchNorms(captured, images(shape, 0));
  return captured;
}

/** The int8 form of a network by name, lowered. */
export async function lowerInt8(name: string): Promise<GraphModule> {
  return lower(await quantizeForOctavo(await captureNetwork(name), networkOf(name))).module;
}

/** Quantizes a captured network by Octavo's recipe. */
async function quantizeForOctavo(
  captured: GraphModule,
  { inputShape, recipe }: NetworkSpec,
  options: X86QuantizationConfigOptions = {},
): Promise<GraphModule> {
  if (recipe !== 'static') {
    const layers = recipe === 'dynamic' ? ['linear'] : ['lstm', 'gru'];
    return quantizeLayers(captured, layers, getDefaultX86QuantizationConfig({ ...options, isDynamic: true }));
  }
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig(options));
  return quantize(captured, inputShape, quantizer);
}

/** Quantizes, lowers and saves a network in the given forms; gives the paths by the forms' names. */
export async function writeOctavo(
  captured: GraphModule,
  spec: NetworkSpec,
  precisions: readonly Precision[],
  folder: string,
): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true });
  const paths: Record<string, string> = {};
  // Forms that are lowered in different ways may share a recipe.
  const quantized = new Map<string, GraphModule>();
  for (const { name, quantization, options } of precisions) {
    const recipe = JSON.stringify(quantization);
    const graph =
      quantization === undefined
        ? captured
        : (quantized.get(recipe) ?? (await quantizeForOctavo(captured, spec, quantization)));
    if (quantization) quantized.set(recipe, graph);
    const path = join(folder, `${name.replace(' ', '-')}.octavo`);
    using model = compile(lower(graph, options).module);
    await model.save(path);
    paths[name] = path;
  }
  return paths;
}

/** Saves a model once more, with its weights as the plan for a batch of one on so many threads packs them. */
export async function writePacked(
  file: string,
  { inputShape }: NetworkSpec,
  threads: number,
): Promise<string> {
  const path = file.replace(/\.octavo$/, '-packed.octavo');
  using model = await loadModel(file, { threadsPerStream: threads });
  await model.warmup([1, ...inputShape]);
  await model.save(path, { packedWeights: true });
  return path;
}

/** Builds a network, quantizes it, and writes it for Octavo and for ONNX Runtime. */
export async function prepareNetwork(
  name: string,
  precisions: readonly Precision[],
  folder: string,
): Promise<NetworkFiles> {
  const { inputShape, recipe } = networkOf(name);
  const captured = await captureNetwork(name);
  const octavo = await writeOctavo(captured, { inputShape, recipe }, precisions, folder);
  const onnxFp32 = join(folder, 'fp32.onnx');
  await writeFile(onnxFp32, exportOnnx(captured));
  const onnxInt8 =
    recipe === 'recurrent'
      ? await quantizeByOnnxRuntime(onnxFp32, folder)
      : await writeOnnxInt8(captured, { inputShape, recipe }, folder);
  return { inputShape, recipe, octavo, onnxFp32, onnxInt8 };
}

async function writeOnnxInt8(
  captured: GraphModule,
  spec: NetworkSpec,
  folder: string,
): Promise<Record<string, string>> {
  const quantized = await quantizeForOnnxRuntime(captured, spec);
  const paths: Record<string, string> = {};
  // What it quantizes at run time is uint8.
  const types = onnxTypes.filter(({ activation }) => spec.recipe === 'static' || activation === 'uint8');
  for (const each of types) {
    const path = join(folder, `${nameOf(each)}.onnx`);
    await writeFile(path, exportOnnx(withIntegerTypes(quantized, each)));
    paths[nameOf(each)] = path;
  }
  return paths;
}

async function quantizeForOnnxRuntime(
  captured: GraphModule,
  { inputShape, recipe }: NetworkSpec,
): Promise<GraphModule> {
  const config = onnxRuntimeConfig();
  if (recipe === 'static')
    return quantize(captured, inputShape, new OnnxRuntimeQuantizer(new X86Quantizer().setGlobal(config)));
  const { inputActivation } = getDefaultX86QuantizationConfig({ isDynamic: true });
  return quantizeLayers(captured, ['linear'], { ...config, inputActivation });
}

/** Layers of some operators alone, with parameters that each request chooses: needs no calibration. */
function quantizeLayers(
  captured: GraphModule,
  operators: readonly string[],
  config: QuantizationConfig,
): GraphModule {
  const quantizer = new X86Quantizer();
  for (const operator of operators) quantizer.setFunctionTypeQconfig(operator, config);
  return convertPt2e(preparePt2e(captured, quantizer));
}

async function quantize(
  module: GraphModule,
  shape: readonly number[],
  quantizer: Quantizer,
): Promise<GraphModule> {
  const prepared = preparePt2e(module, quantizer);
  await calibrate(
    prepared,
    Array.from({ length: calibrationBatches }, (_, i) => images(shape, i + 1)),
  );
  return convertPt2e(prepared);
}

function images(shape: readonly number[], seed: number): Tensor {
  const batch = [calibrationBatchSize, ...shape];
  const numel = batch.reduce((product, extent) => product * extent, 1);
  return new Tensor('float32', pseudoRandom(numel, seed), batch);
}
