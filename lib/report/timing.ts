import { createRequire } from 'node:module';
import { cpuFeatures } from '../cpu/features.ts';
import { bindInputs, type GraphModule, inputsOf, type ModelInputs } from '../graph/index.ts';
import { lower } from '../lowering/index.ts';
import { compile } from '../runtime/index.ts';
import type { Tensor } from '../tensor/index.ts';
import type { MachineFacts, ReportFacts } from './facts.ts';
import { tensorOf } from './network.ts';
import { boundOf, measureRoofline } from './roofline.ts';
import type { ReportSubject } from './subject.ts';
import { timesInTurns } from './times.ts';

/** Times both models on the same request, in turns, and then what the machine can do at most. */
export async function measureTimes(
  { model: module, reference, batches, example }: ReportSubject,
  threads: number | undefined,
): Promise<Pick<ReportFacts, 'machine' | 'times' | 'roofline'>> {
  const use = threads === undefined ? {} : { threadsPerStream: threads };
  const inputs = named(module, example ?? (await firstOf(batches('timing'))));
  using model = compile(module, use);
  using float = reference && compile(lower(reference).module, use);
  const [measured, floatTimes] = timesInTurns(float ? [model, float] : [model], inputs);
  const roofline = await measureRoofline(measured.steps, model.threadsPerStream);
  return {
    machine: machineOf(model.threadsPerStream),
    times: {
      runs: measured.runs,
      inputs: Object.entries(inputs).map(([name, { dtype, shape }]) => tensorOf({ name, dtype, shape })),
      total: { model: measured.total, ...(float ? { reference: floatTimes.total } : {}) },
      steps: measured.steps.map((step) => ({
        node: step.node,
        op: step.op,
        implementation: step.implementation,
        nanoseconds: step.nanoseconds,
        share: step.nanoseconds / measured.total,
        multiplyAdds: step.multiplyAdds,
        bytes: step.bytes,
        ...boundOf(step, roofline),
      })),
    },
    roofline,
  };
}

function named(module: GraphModule, given: ModelInputs): Readonly<Record<string, Tensor>> {
  const infos = inputsOf(module);
  const tensors = bindInputs(infos, given, module.rangeConstraints);
  return Object.fromEntries(infos.map(({ name }, i) => [name, tensors[i]]));
}

async function firstOf(batches: AsyncIterable<ModelInputs> | Iterable<ModelInputs>): Promise<ModelInputs> {
  for await (const batch of batches) return batch;
  throw new Error('collectReport: there are no batches; it needs at least one');
}

function machineOf(threads: number): MachineFacts {
  const { brand, vendor, cores, oneDnn } = cpuFeatures();
  const { version } = createRequire(import.meta.url)('octavo/package.json');
  return {
    processor: brand || vendor,
    cores,
    threads,
    instructionSet: oneDnn.isa,
    oneDnn: oneDnn.version,
    node: process.version,
    octavo: version,
  };
}
