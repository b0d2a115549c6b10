import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { decodeOnnx } from '../lib/capture/onnx/schema.ts';
import { loadNpz } from '../lib/formats/npz.ts';
import { type CompiledModel, Tensor } from '../lib/index.ts';
import { pseudoRandom } from './pseudo-random.ts';

const glyphs = [3, 32, 32];
const batch = 100;
const numbersOfBatches = { glyphs: 20, random: 4 };

/**
 * How a quantized file's results agree with ONNX Runtime's: of the glyphs' test images, how many are of the same class; in
 * steps of the result's quantization where the file ends with one, how far results are apart; and how far ONNX Runtime's own
 * are from what it computes without optimization.
 * @throws Error when fewer than 99.5 % of the classes are the same.
 */
export async function agreementWithOnnxRuntime(model: CompiledModel, file: string): Promise<string> {
  const shape = model.inputs[0].shape.slice(1).map(Number);
  const isGlyphs = shape.join() === glyphs.join();
  const step = await lastStep(file);
  const [session, plain] = await Promise.all(
    (['all', 'disabled'] as const).map((graphOptimizationLevel) =>
      InferenceSession.create(file, { graphOptimizationLevel, logSeverityLevel: 3 }),
    ),
  );
  const results = { octavo: [] as number[], all: [] as number[], disabled: [] as number[] };
  let width = 1;
  for await (const [data, dims] of isGlyphs ? glyphBatches() : randomBatches(shape)) {
    const [own] = Object.values(await model.run(new Tensor('float32', data, dims)));
    width = own.numel / dims[0];
    results.octavo.push(...own.toArray());
    const feeds = { [session.inputNames[0]]: new OrtTensor('float32', data, dims) };
    for (const [name, each] of [['all', session] as const, ['disabled', plain] as const])
      for (const value of Object.values(await each.run(feeds))[0].data as Float32Array)
        results[name].push(value);
  }
  await Promise.all([session.release(), plain.release()]);
  const parts = [
    `beside ORT ${apart(results.octavo, results.all, step)}`,
    `ORT beside itself without optimization ${apart(results.all, results.disabled, step)}`,
  ];
  if (!isGlyphs) return parts.join('; ');
  const classes = [results.octavo, results.all].map((values) => classesOf(values, width));
  const same = classes[0].filter((value, i) => value === classes[1][i]).length / classes[0].length;
  const line = `same class for ${(100 * same).toFixed(2)} %; ${parts.join('; ')}`;
  if (same < 0.995) throw new Error(`${file}: ${line}; at least 99.5 % must be the same`);
  return line;
}

/** The largest difference, and how many are larger than two steps. */
function apart(a: readonly number[], b: readonly number[], step: number | undefined): string {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const unit = step ?? largest / 255;
  const differences = a.map((value, i) => Math.abs(value - b[i]) / unit);
  const most = differences.reduce((x, y) => Math.max(x, y), 0);
  const beyond = differences.filter((value) => value > 2.01).length / differences.length;
  const name = step === undefined ? '255ths of the largest result' : 'steps';
  return `at most ${most.toFixed(1)} ${name}, more than 2 for ${(100 * beyond).toPrecision(2)} %`;
}

function classesOf(values: readonly number[], width: number): number[] {
  return Array.from({ length: values.length / width }, (_, i) => {
    const row = values.slice(i * width, (i + 1) * width);
    return row.indexOf(Math.max(...row));
  });
}

async function* glyphBatches(): AsyncGenerator<[Float32Array, number[]]> {
  const path = fileURLToPath(new URL('../models/glyphs/test.npz', import.meta.url));
  const images = (await loadNpz(path)).get('x')!.data as Uint8Array;
  const numel = batch * glyphs.reduce((a, b) => a * b, 1);
  for (let i = 0; i < numbersOfBatches.glyphs; i++)
    yield [
      Float32Array.from(images.subarray(i * numel, (i + 1) * numel), (value) => (value / 255 - 0.5) / 0.25),
      [batch, ...glyphs],
    ];
}

async function* randomBatches(shape: readonly number[]): AsyncGenerator<[Float32Array, number[]]> {
  const dims = [4, ...shape];
  const numel = dims.reduce((a, b) => a * b, 1);
  for (let i = 0; i < numbersOfBatches.random; i++) yield [pseudoRandom(numel, i + 1), dims];
}

/** The scale of the DequantizeLinear that gives the file's result. */
async function lastStep(file: string): Promise<number | undefined> {
  const { graph } = decodeOnnx('ModelProto', await readFile(file)) as unknown as ModelFile;
  const [{ name }] = graph.output;
  const last = graph.node.find(
    ({ opType, output }) => opType === 'DequantizeLinear' && output.includes(name),
  );
  const scale = graph.initializer.find((tensor) => tensor.name === last?.input[1]);
  if (!scale) return undefined;
  if (scale.floatData?.length) return scale.floatData[0];
  return Buffer.from(scale.rawData).readFloatLE(0);
}

/** What is read of a model's file. */
interface ModelFile {
  readonly graph: {
    readonly output: readonly { readonly name: string }[];
    readonly node: readonly {
      readonly opType: string;
      readonly input: readonly string[];
      readonly output: readonly string[];
    }[];
    readonly initializer: readonly {
      readonly name: string;
      readonly floatData?: readonly number[];
      readonly rawData: Uint8Array;
    }[];
  };
}
