import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { loadGraph } from '../capture/index.ts';
import type { Dataset } from '../data/index.ts';
import { generateNumericDebugHandle } from '../numerics/index.ts';
import { loadCheckpoint, type TrainOptions, train } from '../training/index.ts';
import { accuracy } from './accuracy.ts';
import { dataDescription } from './dataset.ts';
import { addPreprocessingOptions } from './options/preprocessing.ts';
import { formatBytes, type GlobalOptions } from './output.ts';
import { openTrainData } from './training/data.ts';
import { checkFiles } from './training/files.ts';
import { compiledModel, writeModel } from './training/finished-model.ts';
import { Interrupted, interruptible } from './training/interruption.ts';
import { makeRun, type Run, targetsOf } from './training/problem.ts';
import { BarReporter, type Evaluation, lineReporter, type Reporter, writeLine } from './training/reporter.ts';
import { runSettings } from './training/run-settings.ts';
import { addSettings, settingsOf, type TrainSettings } from './training/settings.ts';

/** `octavo train MODEL --data DATA --out FILE`: trains a classifier, in float32 or for int8. */
export function trainCommand(): Command {
  const command = new Command('train')
    .description('train a classifier further, in float32 or for int8 (--qat)')
    .argument(
      '<model>',
      'a .pt2 or .onnx file; or a .json file with "model" and the settings below by their names, such as batchSize, which flags override; its paths are relative to where you are',
    )
    .addHelpText('after', `\nData: ${dataDescription}.\n`);
  return addPreprocessingOptions(addSettings(command)).action((path: string, _: unknown, self: Command) =>
    runTrain(path, self.optsWithGlobals<GlobalOptions & Partial<TrainSettings>>()),
  );
}

async function runTrain(path: string, flags: GlobalOptions & Partial<TrainSettings>): Promise<void> {
  const settings = await settingsOf(path, flags);
  const { model, out, checkpoint, epochs, batchSize } = settings;
  await checkFiles(path, settings);
  const captured = await loadGraph(model);
  // Saved with the model, for octavo compare.
  generateNumericDebugHandle(captured);
  const { dataset, tested } = await openTrainData(captured, settings);
  const run = await makeRun(captured, dataset, settings);
  const { trainer, loader, schedule, teacher } = run;
  try {
    const known =
      checkpoint === undefined ? {} : { settings: await runSettings(captured, dataset, settings) };
    if (settings.resume) await loadCheckpoint(checkpoint!, { trainer, loader, schedule, ...known });
    const reporter = flags.json
      ? lineReporter
      : new BarReporter({ epochs, stepsPerEpoch: loader.length!, batchSize });
    const evaluation = await interruptible((signal) =>
      trained(run, tested, reporter, settings, { signal, ...known }).finally(() => reporter.pause()),
    );
    await writeModel(trainer.model, dataset.preprocessing, settings);
    const { size: bytes } = await stat(out);
    const result = {
      model,
      out,
      bytes,
      steps: trainer.steps,
      preprocessing: dataset.preprocessing,
      ...evaluation,
    };
    if (flags.json) writeLine({ event: 'result', ...result });
    else process.stdout.write(`wrote ${out} (${formatBytes(bytes)}) after ${trainer.steps} steps\n`);
  } finally {
    trainer[Symbol.dispose]();
    teacher?.dispose();
  }
}

/**
 * Trains, and tells the reporter.
 * @returns what was measured last.
 * @throws Interrupted when the signal ends it.
 */
async function trained(
  { trainer, loader, schedule, teacher }: Run,
  tested: Dataset | undefined,
  reporter: Reporter,
  settings: TrainSettings,
  ending: Pick<TrainOptions, 'settings'> & { readonly signal: AbortSignal },
): Promise<Evaluation> {
  const { epochs, freezeBnAfter, freezeObserversAfter, checkpoint, checkpointEvery } = settings;
  const evaluate = async () => {
    reporter.pause();
    if (!tested) return undefined;
    using model = compiledModel(trainer.model, settings);
    const { correct, total } = await accuracy(model, tested);
    return { top1: correct / total };
  };
  // A run that was finished before has no epoch left that would be measured.
  let last = loader.epoch < epochs ? undefined : await evaluate();
  try {
    const events = train<Evaluation>(trainer, loader, {
      epochs,
      schedule,
      ...ending,
      ...(teacher ? { teacher: (inputs) => targetsOf(teacher, inputs) } : {}),
      ...(freezeBnAfter === undefined ? {} : { freezeBatchNormAfter: freezeBnAfter }),
      ...(freezeObserversAfter === undefined ? {} : { freezeObserversAfter }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
      evaluate,
    });
    for await (const event of events) {
      reporter.tell(event);
      if (event.kind === 'epoch') last = event.evaluation;
    }
    return last;
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    const how =
      checkpoint === undefined
        ? 'nothing was kept; --checkpoint FILE keeps what a run needs to go on'
        : `the same command with --resume goes on from ${checkpoint}`;
    throw new Interrupted(`interrupted after ${trainer.steps} steps; ${how}`);
  }
}
