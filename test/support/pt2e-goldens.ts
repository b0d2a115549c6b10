import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { cpuFeatures } from '../../lib/cpu/features.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { type GraphModule, printGraph } from '../../lib/graph/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  type PartialObserver,
  preparePt2e,
  QuantizationSpec,
  type QuantizationSpecBase,
  type Quantizer,
  X86QuantizationAnnotation,
  type X86QuantizationConfigOptions,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { buildTransformer, transformerInput } from '../quantization/transformer.ts';

/** What PyTorch 2.6 wrote about a model's quantization. */
const fixture = (path: string) => new URL(`../fixtures/pt2e/${path}`, import.meta.url);
const model = (path: string) => new URL(`../../models/${path}`, import.meta.url).pathname;

export const goldenText = (path: string) => readFileSync(fixture(path), 'utf8').trimEnd();

export const goldenJson = <T>(path: string) => JSON.parse(readFileSync(fixture(path), 'utf8')) as T;

/** A float32 array with its shape beside it. */
export function goldenTensor(path: string): Tensor {
  const { shape } = goldenJson<{ shape: number[] }>(`${path}.json`);
  return Tensor.fromBytes('float32', new Uint8Array(readFileSync(fixture(`${path}.bin`))), shape);
}

/** Captured once: stages do not change what they are given. */
const captured = new Map<string, Promise<GraphModule>>();
export function captureModel(name: string): Promise<GraphModule> {
  if (!captured.has(name))
    captured.set(
      name,
      name === 'transformer' ? Promise.resolve(buildTransformer()) : loadPt2(model(`${name}.pt2`)),
    );
  return captured.get(name)!;
}

/** The images of an `.npz` file as PyTorch's scripts feed them: `(u8 / 255 - 0.5) / 0.25`, every step in float32. */
export async function glyphBatch(file: string, start: number, count: number): Promise<Tensor> {
  const pixels = (await loadNpz(model(`glyphs/${file}`))).get('x')!.data.subarray(start * 3072);
  const f32 = Math.fround;
  const values = Float32Array.from(
    { length: count * 3072 },
    (_, i) => f32(f32(Number(pixels[i]) / 255) - 0.5) / 0.25,
  );
  return new Tensor('float32', values, [count, 3, 32, 32]);
}

export async function* calibrationBatches(name: string): AsyncGenerator<Tensor> {
  if (name === 'tiny_cnn') for (const i of [0, 1, 2, 3]) yield goldenTensor(`tiny_cnn/calib_${i}`);
  else if (name === 'transformer') for (const i of [0, 1, 2, 3]) yield transformerInput(200 + i);
  else for (let i = 0; i < 8; i++) yield await glyphBatch('calib.npz', 64 * i, 64);
}

export async function prepareModel(
  name: string,
  options: X86QuantizationConfigOptions = {},
): Promise<GraphModule> {
  const config = getDefaultX86QuantizationConfig({ recipe: 'pytorch-2.6', ...options });
  const quantizer = new X86Quantizer().setGlobal(config);
  return preparePt2e(await captureModel(name), quantizer);
}

/** The quantizer, prepared and converted with as PyTorch 2.6 did. */
export const of26 = <Q extends Quantizer>(quantizer: Q): Q =>
  Object.defineProperty(quantizer, 'recipe', { value: 'pytorch-2.6' });

/** The whole static flow. */
export async function quantizeModel(name: string, options: X86QuantizationConfigOptions = {}) {
  const prepared = await prepareModel(name, options);
  await calibrate(prepared, calibrationBatches(name));
  return { prepared, converted: convertPt2e(prepared) };
}

export const print = (module: GraphModule) => printGraph(module.graph, operators);

/** All annotations, written as Python prints PyTorch's. */
export function printAnnotations(module: GraphModule) {
  return module.graph.nodes.flatMap((node) => {
    const annotation = node.meta.quantizationAnnotation;
    if (!annotation?.annotated) return [];
    return {
      node: node.name,
      target: node.target,
      inputs: Object.fromEntries(
        [...annotation.inputQspecMap].map(([input, spec]) => [input.name, pythonSpec(spec)]),
      ),
      output: pythonSpec(annotation.outputQspec),
      is_output_of_quantized_pattern:
        annotation instanceof X86QuantizationAnnotation && annotation.isOutputOfQuantizedPattern,
    };
  });
}

/** The same, in the fields of the models made for these tests. */
export function printCaseAnnotations(module: GraphModule) {
  return printAnnotations(module).map(({ node, inputs, output, is_output_of_quantized_pattern }) => ({
    node,
    inputs,
    output,
    quantized_output: is_output_of_quantized_pattern,
  }));
}

function pythonSpec(spec: QuantizationSpecBase | null): string {
  if (spec === null) return 'None';
  if (!(spec instanceof QuantizationSpec))
    return String(spec).replace('SharedQuantizationSpec(', 'SharedQuantizationSpec(edge_or_node=');
  const value = (v: unknown) =>
    v === undefined ? 'None' : typeof v === 'boolean' ? (v ? 'True' : 'False') : v;
  return (
    `QuantizationSpec(dtype=torch.${spec.dtype}, ` +
    `observer_or_fake_quant_ctr=${pythonPartial(spec.observerOrFakeQuantCtr)}, ` +
    `quant_min=${value(spec.quantMin)}, quant_max=${value(spec.quantMax)}, qscheme=torch.${spec.qscheme}, ` +
    `ch_axis=${value(spec.chAxis)}, is_dynamic=${value(spec.isDynamic)})`
  );
}

function pythonPartial({ observerClass, args }: PartialObserver): string {
  const given = Object.entries(args)
    .filter(([name]) => name !== 'recipe')
    .map(([name, arg]) => `${name}=${arg}`);
  return `functools.partial(<class 'torch.ao.quantization.observer.${observerClass.name}'>, ${given.join(', ')}){}`;
}

/** A printed graph with its floating point numbers taken out, and these numbers. */
function numbersApart(graph: string): { text: string; numbers: number[] } {
  const numbers: number[] = [];
  const text = graph.replace(
    /\b\d+(\.\d+)?(e-?\d+)\b|\b\d+\.\d+\b/g,
    (number) => `#${numbers.push(Number(number))}`,
  );
  return { text, numbers };
}

/** Whether float kernels here add in the order they had where PyTorch's numbers come from: a CPU with AVX-512. */
export const hasGoldensKernels = cpuFeatures().oneDnn.isa.startsWith('avx512');

/**
 * Kernels for other instruction sets change the last bits of what observers see, and HistogramObserver's search for the best range moves by whole bins, of which a
 * range has 2048: by one with each of the eight batches that these models are calibrated on.
 */
export const scaleTolerance = hasGoldensKernels ? 1e-5 : 8 / 2048;

/** Same nodes, names, order, dtypes and zero points; scales within {@link scaleTolerance}. */
export function expectSameGraph(got: string, expected: string): void {
  const [a, b] = [numbersApart(got), numbersApart(expected)];
  expect(a.text).toBe(b.text);
  a.numbers.forEach((number, i) => {
    const tolerance = scaleTolerance * Math.abs(b.numbers[i]);
    expect(Math.abs(number - b.numbers[i]), `${number} for ${b.numbers[i]}`).toBeLessThanOrEqual(tolerance);
  });
}
