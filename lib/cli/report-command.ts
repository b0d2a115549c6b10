import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { type AccuracyControlRecord, accuracyControlOf } from '../accuracy/index.ts';
import { loadGraph } from '../capture/index.ts';
import type { Dataset } from '../data/index.ts';
import { rememberedPreprocessing } from '../data/remembered-preprocessing.ts';
import { writeWhole } from '../formats/whole-file.ts';
import { type GraphModule, inputsOf } from '../graph/index.ts';
import { lower } from '../lowering/index.ts';
import { generateNumericDebugHandle } from '../numerics/index.ts';
import { convertStatic } from '../recipes/index.ts';
import { type AccuracyFacts, collectReport, type Models, renderReport } from '../report/index.ts';
import { readArtifact } from '../runtime/artifact.ts';
import { compile } from '../runtime/index.ts';
import { accuracy, checkClasses, classesOf } from './accuracy.ts';
import { calibrationBatches } from './calibration.ts';
import { type DatasetFlags, dataDescription, firstExample, openDataset } from './dataset.ts';
import { fileKind, refuseInputOptions } from './model-file.ts';
import { positiveInteger } from './option-parsers.ts';
import { addInputOptions, type InputFlags, inputOptionsOf } from './options/input-options.ts';
import { addPreprocessingOptions, type Preprocessing } from './options/preprocessing.ts';
import { type GlobalOptions, printResult } from './output.ts';
import { checkOutputPath } from './output-path.ts';
import { UsageError } from './usage-error.ts';

interface ReportCommandOptions extends GlobalOptions, DatasetFlags, InputFlags {
  readonly data: string;
  readonly out: string;
  readonly reference?: string;
  readonly threads?: number;
}

/** `octavo report MODEL --data DATA --out report.html`: all that is known of a quantized model, on one page. */
export function reportCommand(): Command {
  const command = new Command('report')
    .description('write a page about a quantized model: its graph, errors, ranges and times of all layers')
    .argument(
      '<model>',
      'a model that octavo quantize wrote, or a .pt2 or .onnx model, which is quantized with the data first',
    )
    .requiredOption('--data <path>', `examples, with their classes or without: ${dataDescription}`)
    .requiredOption('--out <html>', 'where to write the page')
    .option(
      '--reference <file>',
      'the .pt2 or .onnx model that the quantized one was made from: for errors and activations',
    )
    .option('--batch-size <n>', 'examples a run (default: 64, or what the model accepts)', positiveInteger)
    .option(
      '--threads <n>',
      'compute threads of what is timed (default: as many as there are cores)',
      positiveInteger,
    );
  return addPreprocessingOptions(addInputOptions(command)).action(
    (model: string, _: unknown, self: Command) =>
      report(model, self.optsWithGlobals<ReportCommandOptions>(), commandLine(self)),
  );
}

async function report(path: string, options: ReportCommandOptions, command: string): Promise<void> {
  const { data, out, threads } = options;
  await checkOutputPath('--out', out, { [path]: path, '--data': data, '--reference': options.reference });
  const { saved, reference, preprocessing, accuracyControl } = await openModels(path, options);
  const dataset = await openDataset(data, (reference ?? saved)!, options, preprocessing);
  await checkLabels(dataset, (reference ?? saved)!);
  const model = saved ?? lower(await convertStatic(reference!, calibrationBatches(dataset))).module;
  const facts = await collectReport(
    {
      model,
      ...(reference ? { reference } : {}),
      batches: (pass) => calibrationBatches(dataset, pass),
      example: await firstExample(dataset, inputsOf(model)),
    },
    {
      title: basename(path),
      command,
      files: await fileSizes(path, options),
      ...(threads ? { threads } : {}),
    },
  );
  const known = {
    ...facts,
    ...(accuracyControl ? { accuracyControl } : {}),
    ...(dataset.hasLabels ? { accuracy: await accuracies(dataset, model, reference) } : {}),
  };
  await writeWhole(out, [await renderReport(known)]);
  printResult(options, known, () => `wrote ${out}`);
}

/** What was typed, as a shell reads it. */
function commandLine({ parent }: Command): string {
  const quoted = (word: string) =>
    /^[\w./,:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return ['octavo', ...parent!.args.map(quoted)].join(' ');
}

/** What the command was given: a saved model, the float model, or both. */
interface GivenModels {
  readonly saved?: GraphModule;
  readonly reference?: GraphModule;
  readonly preprocessing?: Preprocessing | undefined;
  readonly accuracyControl?: AccuracyControlRecord | undefined;
}

async function openModels(path: string, options: ReportCommandOptions): Promise<GivenModels> {
  const load = async (file: string) => {
    const reference = await loadGraph(file, inputOptionsOf(options));
    generateNumericDebugHandle(reference);
    return reference;
  };
  if ((await fileKind(path)) !== 'artifact') {
    if (options.reference !== undefined)
      throw new UsageError(
        `--reference is for a model that octavo quantize wrote; ${path} is a float model itself`,
      );
    return { reference: await load(path) };
  }
  if (options.reference === undefined) refuseInputOptions(path, options);
  const { module, metadata } = await readArtifact(path);
  return {
    saved: module,
    ...(options.reference === undefined ? {} : { reference: await load(options.reference) }),
    preprocessing: rememberedPreprocessing(metadata, path),
    accuracyControl: accuracyControlOf(metadata),
  };
}

/** Of a model that is quantized here there is no file. */
async function fileSizes(path: string, { reference }: ReportCommandOptions) {
  const sizeOf = async (file: string) => (await stat(file)).size;
  if ((await fileKind(path)) !== 'artifact') return { reference: await sizeOf(path) };
  return {
    model: await sizeOf(path),
    ...(reference === undefined ? {} : { reference: await sizeOf(reference) }),
  };
}

/** Before the examples run many times: the accuracy is what is measured last. */
async function checkLabels(dataset: Dataset, module: GraphModule): Promise<void> {
  const labels = await dataset.labels();
  if (labels === undefined) return;
  try {
    checkClasses(labels, classesOf(module), dataset.path);
  } catch (error) {
    throw new Error(
      `${(error as Error).message}; for a report without the accuracy, give the examples without their classes`,
      { cause: error },
    );
  }
}

/** Comes last: what was compiled of a file has freed its weights. */
async function accuracies(
  dataset: Dataset,
  model: GraphModule,
  reference: GraphModule | undefined,
): Promise<Models<AccuracyFacts>> {
  return {
    model: await accuracyOf(model, dataset),
    ...(reference ? { reference: await accuracyOf(lower(reference).module, dataset) } : {}),
  };
}

async function accuracyOf(module: GraphModule, dataset: Dataset): Promise<AccuracyFacts> {
  using model = compile(module);
  const { correct, total } = await accuracy(model, dataset);
  return { correct, total };
}
