import { Command, Option } from 'commander';
import { operators } from '../aten/index.ts';
import { loadGraph } from '../capture/index.ts';
import { type GraphModule, printGraph } from '../graph/index.ts';
import { lower } from '../lowering/index.ts';
import { convertStatic, prepareStatic } from '../recipes/index.ts';
import { readArtifact } from '../runtime/artifact.ts';
import {
  compile,
  formatPlan,
  formatReport,
  formatTuning,
  type ModelReport,
  type PlanDescription,
  type Tuning,
} from '../runtime/index.ts';
import { calibrationBatches } from './calibration.ts';
import { dataDescription, openDataset } from './dataset.ts';
import { fileKind, refuseAutocast, refuseInputOptions } from './model-file.ts';
import { positiveInteger } from './option-parsers.ts';
import { type AutocastFlags, addAutocastOptions, autocastOf } from './options/autocast.ts';
import { addInputOptions, type InputFlags, inputOptionsOf } from './options/input-options.ts';
import { inputShapes } from './options/input-shape.ts';
import { addPreprocessingOptions, type Preprocessing } from './options/preprocessing.ts';
import { type GlobalOptions, printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

const stages = ['captured', 'prepared', 'converted', 'lowered', 'plan'] as const;
type Stage = (typeof stages)[number];

interface PrintOptions extends GlobalOptions, Preprocessing, AutocastFlags, InputFlags {
  readonly stage?: Stage;
  readonly calib?: string;
  readonly batch: number;
  readonly why?: boolean;
}

/** What is printed: text for people, and more than the text for machines. */
interface Printout {
  readonly text: string;
  /** Of the lowered graph. */
  readonly report?: ModelReport;
  readonly plan?: PlanDescription;
}

/**
 * `octavo print FILE --stage STAGE`: the graph after each stage, or the native plan. With the lowered graph comes the
 * report on how it came to be.
 *
 * The stages are the calls that `quantizeStatic` chains (`prepareStatic`, `convertStatic`, `lower`, `compile`). They are
 * called one by one here, because that function returns only the last of five results.
 */
export function printCommand(): Command {
  const command = new Command('print')
    .description('print the graph of a model after a stage, or its plan')
    .argument(
      '<file>',
      'a .pt2 or .onnx model, or a model that octavo quantize wrote (stages lowered and plan)',
    )
    .addOption(
      new Option('--stage <stage>', 'default: captured for a .pt2 or .onnx file, lowered otherwise').choices(
        stages,
      ),
    )
    .option(
      '--calib <path>',
      `quantize with these examples first (${dataDescription}); without them, lowered and plan are float32`,
    )
    .option(
      '--batch <n>',
      'batch size of the plan (stages plan and lowered); other sizes are those of the export, or as large',
      positiveInteger,
      1,
    )
    .option('--why', 'with --stage plan: the implementations that were passed over, and why');
  return addPreprocessingOptions(addInputOptions(addAutocastOptions(command))).action(
    (file: string, _: unknown, self: Command) => print(file, self.optsWithGlobals<PrintOptions>()),
  );
}

async function print(file: string, options: PrintOptions): Promise<void> {
  const isCaptured = (await fileKind(file)) !== 'artifact';
  const { stage = isCaptured ? 'captured' : 'lowered' } = options;
  if (options.why && stage !== 'plan') throw new UsageError(`--why needs --stage plan, not ${stage}`);
  const printout = await (isCaptured ? printGraphFile : printArtifact)(file, stage, options);
  printResult(options, { file, stage, ...printout }, () => printout.text);
}

async function printGraphFile(file: string, stage: Stage, options: PrintOptions): Promise<Printout> {
  const captured = await loadGraph(file, inputOptionsOf(options));
  if (stage === 'captured') return graphOf(captured);
  if (stage === 'prepared') return graphOf(prepareStatic(captured));
  if (stage === 'converted' && options.calib === undefined)
    throw new UsageError('--stage converted needs calibration data: --calib PATH');
  const source =
    options.calib === undefined ? captured : await quantizeWith(options.calib, captured, options);
  if (stage === 'converted') return graphOf(source);
  return printCompiled(lower(source, { autocast: autocastOf(options) }).module, stage, options);
}

async function printArtifact(file: string, stage: Stage, options: PrintOptions): Promise<Printout> {
  refuseAutocast(file, options);
  refuseInputOptions(file, options);
  if (stage === 'plan' || stage === 'lowered') {
    const { module, tuning } = await readArtifact(file);
    return printCompiled(module, stage, options, tuning);
  }
  throw new Error(
    `${file} is a compiled model: it has the stages lowered and plan, not ${stage}; print that from the .pt2 or .onnx`,
  );
}

const graphOf = ({ graph }: GraphModule): Printout => ({ text: printGraph(graph, operators) });

async function quantizeWith(calib: string, module: GraphModule, options: PrintOptions): Promise<GraphModule> {
  return convertStatic(module, calibrationBatches(await openDataset(calib, module, options)));
}

/** The report names the kernels too, which takes a plan. */
function printCompiled(
  module: GraphModule,
  stage: 'lowered' | 'plan',
  { batch, why = false }: PrintOptions,
  tuning?: Tuning,
): Printout {
  using model = compile(module, tuning ? { tuning } : {});
  const sizes = inputShapes(model.inputs, batch, module.meta.exampleInputs);
  const shapes = Object.fromEntries(model.inputs.map(({ name }, i) => [name, sizes[i]]));
  if (stage === 'plan') {
    const plan = model.plan(shapes);
    return { text: withTuning(formatPlan(plan, { why }), model.tuning), plan };
  }
  const report = model.reportFor(shapes);
  const text = `${graphOf(module).text}\n\n${formatReport(report)}`;
  return { text: withTuning(text, model.tuning), report };
}

/** What was measured comes last, where something was. */
const withTuning = (text: string, tuning: Tuning) => [text, formatTuning(tuning)].filter(Boolean).join('\n');
