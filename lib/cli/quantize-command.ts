import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { formatAccuracyControl } from '../accuracy/index.ts';
import { loadGraph } from '../capture/index.ts';
import type { Dataset } from '../data/index.ts';
import { preprocessingMetadata } from '../data/remembered-preprocessing.ts';
import { type GraphModule, inputsOf, type ModelInputs } from '../graph/index.ts';
import { formatRefusals, type LoweringReport, type Refusal } from '../lowering/index.ts';
import { generateNumericDebugHandle } from '../numerics/index.ts';
import { type QuantizeStaticOptions, quantizeStatic } from '../recipes/index.ts';
import { type CompiledModel, formatTuning } from '../runtime/index.ts';
import {
  addControlOptions,
  type ControlFlags,
  checkControlFlags,
  quantizeControlled,
} from './accuracy-control.ts';
import { calibrationBatches } from './calibration.ts';
import { type DatasetFlags, dataDescription, firstExample, openDataset, shapesOf } from './dataset.ts';
import { fraction, positiveInteger } from './option-parsers.ts';
import { type AutocastFlags, addAutocastOptions, autocastOf } from './options/autocast.ts';
import { addInputOptions, type InputFlags, inputOptionsOf } from './options/input-options.ts';
import { addPreprocessingOptions } from './options/preprocessing.ts';
import { formatBytes, type GlobalOptions, printResult } from './output.ts';
import { checkModelName, checkOutputPath } from './output-path.ts';
import { Progress } from './progress.ts';

interface QuantizeOptions extends GlobalOptions, DatasetFlags, AutocastFlags, InputFlags, ControlFlags {
  readonly calib: string;
  readonly out: string;
  readonly reduceRange?: boolean;
  readonly strict?: boolean;
  readonly smoothQuant?: number;
  readonly tune?: boolean;
  readonly packedWeights?: boolean;
}

/** `octavo quantize MODEL --calib DATA --out FILE`: the whole way from a float model to an int8 file. */
export function quantizeCommand(): Command {
  const command = new Command('quantize')
    .description('quantize a float model to int8 (static, per-channel weights)')
    .argument('<model>', 'a .pt2 file of torch.export.save, or a .onnx file')
    .requiredOption('--calib <path>', `representative examples: ${dataDescription}`)
    .requiredOption('--out <file>', 'where to write the quantized model')
    .option(
      '--batch-size <n>',
      'examples a calibration run (default: 64, or what the model accepts)',
      positiveInteger,
    )
    .option('--reduce-range', '7-bit activations: less accurate, and faster on CPUs without VNNI')
    .option(
      '--smooth-quant <alpha>',
      'move outliers from the inputs of linear layers into their weights first (SmoothQuant): 0 none, 0.5 usual, 1 all',
      fraction,
    )
    .option(
      '--tune',
      'measure which layers gain from int8, how many threads do, and which kernels, for one input at a time',
    )
    .option(
      '--packed-weights',
      'store the weights also as this CPU has them for one input at a time: the first result comes sooner',
    )
    .option('--strict', 'fail when an operator that was to be int8 stays in float');
  return addPreprocessingOptions(addInputOptions(addAutocastOptions(addControlOptions(command)))).action(
    (model: string, _: unknown, self: Command) => quantize(model, self.optsWithGlobals<QuantizeOptions>()),
  );
}

async function quantize(path: string, options: QuantizeOptions): Promise<void> {
  const autocast = autocastOf(options);
  checkControlFlags(options);
  checkModelName('--out', options.out, ['.octavo']);
  const { eval: evaluated } = options;
  await checkOutputPath('--out', options.out, {
    [path]: path,
    '--calib': options.calib,
    '--eval': evaluated,
  });
  const captured = await loadGraph(path, inputOptionsOf(options));
  // Saved with the model, for octavo compare.
  generateNumericDebugHandle(captured);
  const dataset = await openDataset(options.calib, captured, options);
  const { preprocessing } = dataset;
  let refusals: readonly Refusal[] = [];
  const { packedWeights = false } = options;
  const usual = options.tune || packedWeights ? await firstExample(dataset, inputsOf(captured)) : {};
  const common = {
    reduceRange: options.reduceRange ?? false,
    autocast,
    ...(preprocessing ? { metadata: preprocessingMetadata(preprocessing) } : {}),
    onReport: (report: LoweringReport) => {
      refusals = report.refusals;
    },
  };
  const { maxDrop, maxEvaluations } = options;
  const { model, record } =
    maxDrop === undefined
      ? { model: await quantizeByRecipe(captured, dataset, usual, options, common), record: undefined }
      : await quantizeControlled(captured, dataset, await openDataset(evaluated!, captured, options), {
          ...common,
          maxDrop,
          ...(maxEvaluations === undefined ? {} : { maxEvaluations }),
        });
  try {
    if (packedWeights) await model.warmup(shapesOf(usual));
    await model.save(options.out, { packedWeights });
  } finally {
    model.dispose();
  }
  const result = {
    model: path,
    out: options.out,
    calibrationExamples: dataset.size,
    preprocessing,
    floatBytes: (await stat(path)).size,
    int8Bytes: (await stat(options.out)).size,
    stayedInFloat: refusals,
    ...(options.tune ? { tuning: model.tuning } : {}),
    ...(record ? { accuracyControl: record } : {}),
  };
  printResult(options, result, () => {
    const sizes = `${formatBytes(result.int8Bytes)}, from ${formatBytes(result.floatBytes)}`;
    const lines = [`wrote ${options.out} (${sizes}), calibrated on ${dataset.size} examples`];
    if (options.tune) lines.push(formatTuning(model.tuning));
    if (record) lines.push(formatAccuracyControl(record));
    if (refusals.length > 0) lines.push('stayed in float:', formatRefusals(refusals));
    return lines.join('\n');
  });
}

/** @param usual an input to tune for. */
async function quantizeByRecipe(
  captured: GraphModule,
  dataset: Dataset,
  usual: ModelInputs,
  { smoothQuant, strict = false, tune }: QuantizeOptions,
  common: QuantizeStaticOptions,
): Promise<CompiledModel> {
  const tuning = tuningProgress();
  return quantizeStatic(captured, calibrationBatches(dataset), {
    ...common,
    strict,
    ...(smoothQuant === undefined
      ? {}
      : { smoothQuant: { batches: calibrationBatches(dataset), alpha: smoothQuant } }),
    ...(tune ? { tune: usual, onTuned: tuning.advance } : {}),
  }).finally(tuning.stop);
}

/** How many layers there are is known when the first has been measured. */
function tuningProgress() {
  let progress: Progress | undefined;
  return {
    advance: (_: number, total: number) => {
      progress ??= new Progress('tuning', total);
      progress.advance();
    },
    stop: () => progress?.stop(),
  };
}
