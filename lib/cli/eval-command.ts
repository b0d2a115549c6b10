import { Command } from 'commander';
import { accuracy } from './accuracy.ts';
import { type DatasetFlags, dataDescription, openDataset } from './dataset.ts';
import { openModel } from './model-file.ts';
import { positiveInteger } from './option-parsers.ts';
import { type AutocastFlags, addAutocastOptions } from './options/autocast.ts';
import { addInputOptions, type InputFlags } from './options/input-options.ts';
import { addPreprocessingOptions } from './options/preprocessing.ts';
import { type GlobalOptions, printResult } from './output.ts';

interface EvalOptions extends GlobalOptions, DatasetFlags, AutocastFlags, InputFlags {
  readonly data: string;
  readonly threads?: number;
}

/** `octavo eval FILE --data DATA`: top-1 accuracy of a float or quantized model. */
export function evalCommand(): Command {
  const command = new Command('eval')
    .description('measure the top-1 accuracy of a model')
    .argument(
      '<file>',
      'a .pt2 or .onnx model, run in float32 or what --autocast says, or a model that octavo quantize wrote',
    )
    .requiredOption('--data <path>', `examples with their classes: ${dataDescription}`)
    .option('--batch-size <n>', 'examples a run (default: 64, or what the model accepts)', positiveInteger)
    .option('--threads <n>', 'compute threads (default: as many as there are cores)', positiveInteger);
  return addPreprocessingOptions(addInputOptions(addAutocastOptions(command))).action(
    (file: string, _: unknown, self: Command) => evaluate(file, self.optsWithGlobals<EvalOptions>()),
  );
}

async function evaluate(file: string, options: EvalOptions): Promise<void> {
  const { model, precision, preprocessing } = await openModel(file, options);
  try {
    const dataset = await openDataset(options.data, model, options, preprocessing);
    const { correct, total, seconds } = await accuracy(model, dataset);
    const result = {
      file,
      data: options.data,
      precision,
      preprocessing: dataset.preprocessing,
      correct,
      total,
      top1: correct / total,
      imagesPerSecond: total / seconds,
    };
    printResult(
      options,
      result,
      () =>
        `${file} (${precision}): top-1 ${(100 * result.top1).toFixed(2)} % ` +
        `(${correct} of ${total}), ${result.imagesPerSecond.toFixed(0)} images/s`,
    );
  } finally {
    model.dispose();
  }
}
