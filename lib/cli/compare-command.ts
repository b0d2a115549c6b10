import { Command } from 'commander';
import { loadGraph } from '../capture/index.ts';
import type { Dataset } from '../data/index.ts';
import { rememberedPreprocessing } from '../data/remembered-preprocessing.ts';
import type { GraphModule } from '../graph/index.ts';
import { lower } from '../lowering/index.ts';
import {
  compareModelOutputs,
  compareModelShadows,
  generateNumericDebugHandle,
  rankLayers,
} from '../numerics/index.ts';
import { convertStatic } from '../recipes/index.ts';
import { readArtifact } from '../runtime/artifact.ts';
import { compile } from '../runtime/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { calibrationBatches } from './calibration.ts';
import { type DatasetFlags, dataDescription, openDataset } from './dataset.ts';
import { fileKind } from './model-file.ts';
import { positiveInteger } from './option-parsers.ts';
import { addInputOptions, type InputFlags, inputOptionsOf } from './options/input-options.ts';
import { addPreprocessingOptions, type Preprocessing } from './options/preprocessing.ts';
import { type GlobalOptions, printResult } from './output.ts';
import { describeLayer, formatLayers } from './tables/compared-layers.ts';
import { slowestSteps } from './tables/slowest-steps.ts';

interface CompareCommandOptions extends GlobalOptions, DatasetFlags, InputFlags {
  readonly data: string;
  readonly quantize?: boolean;
}

/** Runs that the layers' times are medians of. */
const profiledRuns = 10;

/** `octavo compare REFERENCE [ACTUAL] --data DATA`: where a quantized model leaves the float model, layer by layer. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .description('find the layers in which a quantized model differs from the float model')
    .argument('<reference>', 'a .pt2 or .onnx model')
    .argument('[actual]', 'a model that octavo quantize wrote of it')
    .requiredOption('--data <path>', `examples: ${dataDescription}`)
    .option('--quantize', 'instead of a second file: the int8 model that octavo quantize --calib DATA makes')
    .option('--batch-size <n>', 'examples a run (default: 64, or what the model accepts)', positiveInteger);
  return addPreprocessingOptions(addInputOptions(command)).action(
    (reference: string, actual: string | undefined, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<CompareCommandOptions>();
      if ((actual === undefined) !== (options.quantize ?? false))
        self.error('error: give either a second model or --quantize');
      return compare(reference, actual, options);
    },
  );
}

async function compare(
  referencePath: string,
  actualPath: string | undefined,
  options: CompareCommandOptions,
): Promise<void> {
  const reference = await loadGraph(referencePath, inputOptionsOf(options));
  generateNumericDebugHandle(reference);
  const saved = actualPath === undefined ? undefined : await openActual(actualPath);
  const dataset = await openDataset(options.data, reference, options, saved?.preprocessing);
  const lowered = saved?.module ?? lower(await convertStatic(reference, calibrationBatches(dataset))).module;
  // What was compiled of a file has freed its weights.
  const again = async () => (actualPath === undefined ? lowered : (await openActual(actualPath)).module);
  const alone = rankLayers(
    await compareModelShadows(reference, lowered, calibrationBatches(dataset, 'each layer alone')),
  );
  const together = await compareModelOutputs(
    reference,
    await again(),
    calibrationBatches(dataset, 'all layers together'),
  );
  const ranked = new Map(rankLayers(together).map((node) => [node.handle, node]));
  const times = await timesOf(await again(), dataset);
  const layers = alone.map((node) => ({
    alone: node,
    together: ranked.get(node.handle)!,
    microseconds: times.get(node.actualNodeName),
  }));
  const result = {
    reference: referencePath,
    actual: actualPath ?? 'quantized',
    data: options.data,
    examples: dataset.size,
    batch: dataset.batch,
    preprocessing: dataset.preprocessing,
    nodes: layers.map(describeLayer),
  };
  printResult(options, result, () => formatLayers(layers));
}

async function openActual(
  path: string,
): Promise<{ module: GraphModule; preprocessing: Preprocessing | undefined }> {
  if ((await fileKind(path)) !== 'artifact')
    throw new Error(
      `${path} is not a model that octavo quantize wrote: nothing says which of its nodes stand for those of the reference`,
    );
  const { module, metadata } = await readArtifact(path);
  return { module, preprocessing: rememberedPreprocessing(metadata, path) };
}

/** By node, the median time of the steps that compute its value for the dataset's first batch. */
async function timesOf(module: GraphModule, dataset: Dataset): Promise<ReadonlyMap<string, number>> {
  using model = compile(module);
  // A dataset has at least one batch.
  const { value } = await dataset.inputs().next();
  const inputs = value as Readonly<Record<string, Tensor>>;
  for (let i = 0; i < 3; i++) await model.run(inputs);
  const runs = Array.from({ length: profiledRuns }, () => model.profile(inputs));
  const times = new Map<string, number>();
  for (const { node, microseconds } of slowestSteps(runs, Infinity))
    times.set(node, (times.get(node) ?? 0) + microseconds);
  return times;
}
