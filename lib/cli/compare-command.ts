import { Command } from 'commander';
import { loadGraph } from '../capture/index.ts';
import type { GraphModule } from '../graph/index.ts';
import { lower } from '../lowering/index.ts';
import {
  compareModelOutputs,
  compareModelShadows,
  generateNumericDebugHandle,
  type NodeComparison,
} from '../numerics/index.ts';
import { convertStatic } from '../recipes/index.ts';
import { readArtifact } from '../runtime/artifact.ts';
import { calibrationBatches } from './calibration.ts';
import { type DatasetFlags, dataDescription, openDataset } from './dataset.ts';
import { addInputOptions, type InputFlags, inputOptionsOf } from './input-options.ts';
import { fileKind } from './model-file.ts';
import { positiveInteger } from './option-parsers.ts';
import { formatTable, type GlobalOptions, printResult } from './output.ts';
import { addPreprocessingOptions, type Preprocessing, rememberedPreprocessing } from './preprocessing.ts';

interface CompareCommandOptions extends GlobalOptions, DatasetFlags, InputFlags {
  readonly data: string;
  readonly quantize?: boolean;
}

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
  const made = saved ?? { module: lower(await convertStatic(reference, calibrationBatches(dataset))).module };
  const alone = await compareModelShadows(
    reference,
    made.module,
    calibrationBatches(dataset, 'each layer alone'),
  );
  // What was compiled of a file has freed its weights.
  const { module } = actualPath === undefined ? made : await openActual(actualPath);
  const together = await compareModelOutputs(
    reference,
    module,
    calibrationBatches(dataset, 'all layers together'),
  );
  const nodes = [...together.values()]
    .map((node) => ({ ...node, alone: alone.get(node.handle)! }))
    .sort((a, b) => a.alone.sqnr - b.alone.sqnr || a.handle - b.handle);
  const result = {
    reference: referencePath,
    actual: actualPath ?? 'quantized',
    data: options.data,
    examples: dataset.size,
    preprocessing: dataset.preprocessing,
    nodes: nodes.map(describe),
  };
  printResult(options, result, () => formatNodes(nodes));
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

type Node = NodeComparison & { readonly alone: NodeComparison };

/** JSON has no Infinity: null says that nothing differs. */
const finite = (sqnr: number) => (Number.isFinite(sqnr) ? sqnr : null);

function describe({ refNodeName, refModulePath, actualNodeName, alone, ...together }: Node) {
  const measures = ({ sqnr, mseLoss, normalizedL2Error, cosineSimilarity, maxError }: NodeComparison) => ({
    sqnr: finite(sqnr),
    mseLoss,
    normalizedL2Error,
    cosineSimilarity,
    maxError,
  });
  return {
    node: refNodeName,
    module: refModulePath,
    actualNode: actualNodeName,
    alone: measures(alone),
    together: measures({ ...together, refNodeName, refModulePath, actualNodeName }),
  };
}

const barLength = 20;

/** Worst first. A bar is as long as a layer's own error, relative to its values, is beside the largest. */
function formatNodes(nodes: readonly Node[]): string {
  const largest = Math.max(...nodes.map(({ alone }) => alone.normalizedL2Error));
  const decibels = (sqnr: number) => (Number.isFinite(sqnr) ? `${sqnr.toFixed(1)} dB` : '-');
  const bar = ({ alone }: Node) =>
    '█'.repeat(Math.round((barLength * alone.normalizedL2Error) / (largest || 1)));
  return formatTable([
    ['layer', 'module', 'SQNR alone', 'with all before', 'error alone'],
    ...nodes.map((node) => [
      node.refNodeName,
      node.refModulePath,
      decibels(node.alone.sqnr),
      decibels(node.sqnr),
      bar(node).padEnd(barLength),
    ]),
  ]);
}
