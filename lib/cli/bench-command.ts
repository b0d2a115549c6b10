import { Command } from 'commander';
import { writeWhole } from '../formats/whole-file.ts';
import { type CompiledModel, type TracedRuns, traceOf } from '../runtime/index.ts';
import { countThreads } from '../runtime/threads.ts';
import { median, quantile } from '../statistics.ts';
import { Tensor } from '../tensor/index.ts';
import { type OpenedModel, openModel } from './model-file.ts';
import { positiveInteger, positiveIntegers } from './option-parsers.ts';
import { type AutocastFlags, addAutocastOptions } from './options/autocast.ts';
import { addInputOptions, type InputFlags } from './options/input-options.ts';
import { inputShapes } from './options/input-shape.ts';
import { formatTable, type GlobalOptions, printResult } from './output.ts';
import { checkOutputPath } from './output-path.ts';
import { Progress } from './progress.ts';
import { formatSlowestSteps, slowestSteps, type TimedStep } from './tables/slowest-steps.ts';

interface BenchOptions extends GlobalOptions, AutocastFlags, InputFlags {
  readonly batch: readonly number[];
  readonly threads?: readonly number[];
  readonly runs: number;
  readonly trace?: string;
}

/** Runs of each batch size and number of threads that a trace shows, and steps that are printed of them. */
const tracedRuns = 10;
const slowestCount = 10;

/** Latency of one batch size on one number of threads. */
interface Measurement {
  readonly threads: number;
  readonly batch: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly imagesPerSecond: number;
  /** With a trace: the steps that take longest. */
  readonly slowestSteps?: readonly TimedStep[];
}

/** `octavo bench FILE`: latency and throughput on random input. */
export function benchCommand(): Command {
  const command = new Command('bench')
    .description('measure latency and throughput of a model')
    .argument(
      '<file>',
      'a .pt2 or .onnx model, run in float32 or what --autocast says, or a model that octavo quantize wrote',
    )
    .option(
      '--batch <list>',
      'batch sizes; other sizes that the model leaves open are those it was exported with, or as large',
      positiveIntegers,
      [1, 32],
    )
    .option('--threads <list>', 'numbers of compute threads (default: one for each core)', positiveIntegers)
    .option('--runs <n>', 'timed runs of each', positiveInteger, 100)
    .option('--trace <json>', 'write a trace of some runs, step by step, for Perfetto or chrome://tracing');
  return addInputOptions(addAutocastOptions(command)).action((file: string, _: unknown, self: Command) =>
    bench(file, self.optsWithGlobals<BenchOptions>()),
  );
}

async function bench(file: string, options: BenchOptions): Promise<void> {
  const results: Measurement[] = [];
  const traced: TracedRuns[] = [];
  let precision = '';
  if (options.trace !== undefined) await checkOutputPath('--trace', options.trace, { [file]: file });
  const { threads: counts = [undefined], ...rest } = options;
  for (const threads of counts) {
    const opened = await openModel(file, threads === undefined ? rest : { ...rest, threads });
    precision = opened.precision;
    try {
      for (const batch of options.batch) {
        const inputs = randomInputs(opened, batch);
        const result = await measure(opened.model, inputs, batch, options.runs);
        if (options.trace === undefined) results.push(result);
        else {
          const runs = profiles(opened.model, inputs);
          const name = `batch ${batch}, ${countThreads(result.threads)}`;
          traced.push({ name, threads: result.threads, runs });
          results.push({ ...result, slowestSteps: slowestSteps(runs, slowestCount) });
        }
      }
    } finally {
      opened.model.dispose();
    }
  }
  if (options.trace !== undefined) await writeWhole(options.trace, [JSON.stringify(traceOf(traced))]);
  const { runs, trace } = options;
  printResult(options, { file, precision, runs, ...(trace === undefined ? {} : { trace }), results }, () =>
    [
      `${file} (${precision}), ${runs} runs each`,
      '',
      table(results),
      ...results.flatMap(({ slowestSteps: slowest }, i) =>
        slowest ? ['', `slowest steps, ${traced[i].name}:`, '', formatSlowestSteps(slowest)] : [],
      ),
      ...(trace === undefined ? [] : ['', `wrote ${trace}`]),
    ].join('\n'),
  );
}

async function measure(
  model: CompiledModel,
  inputs: readonly Tensor[],
  batch: number,
  runs: number,
): Promise<Measurement> {
  const progress = new Progress(`batch ${batch}`, runs);
  const times: number[] = [];
  try {
    // The first runs compile the plan for this batch size and warm the caches.
    for (let i = 0; i < 3; i++) await model.run(inputs);
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      await model.run(inputs);
      times.push(performance.now() - start);
      progress.advance();
    }
  } finally {
    progress.stop();
  }
  const medianMs = median(times);
  return {
    threads: model.threadsPerStream,
    batch,
    medianMs,
    p95Ms: quantile(times, 0.95),
    imagesPerSecond: (1000 * batch) / medianMs,
  };
}

function profiles(model: CompiledModel, inputs: readonly Tensor[]): TracedRuns['runs'] {
  return Array.from({ length: tracedRuns }, () => model.profile(inputs));
}

/** Values in [-1, 1), or zeros for integer inputs. */
function randomInputs({ model, exampleInputs }: OpenedModel, batch: number): Tensor[] {
  return inputShapes(model.inputs, batch, exampleInputs).map((shape, i) => {
    const tensor = Tensor.zeros(model.inputs[i].dtype, shape);
    if (tensor.data instanceof Float32Array)
      for (let j = 0; j < tensor.data.length; j++) tensor.data[j] = 2 * Math.random() - 1;
    return tensor;
  });
}

function table(results: readonly Measurement[]): string {
  return formatTable([
    ['threads', 'batch', 'median', '95th percentile', 'throughput'],
    ...results.map(({ threads, batch, medianMs, p95Ms, imagesPerSecond }) => [
      String(threads),
      String(batch),
      `${medianMs.toFixed(2)} ms`,
      `${p95Ms.toFixed(2)} ms`,
      `${imagesPerSecond.toFixed(0)}/s`,
    ]),
  ]);
}
