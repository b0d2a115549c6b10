/**
 * `npm run bench:server`: servers of one int8 network under load, batch 1: Octavo by each protocol, one by one and in batches, and the
 * same network, quantized as ONNX Runtime's quantizer does, behind fastify and onnxruntime-node. Requests come by chance, at rates
 * that do not wait for answers, from a client in a process of its own; latency counts from the time at which a request should have been
 * sent. Prints markdown tables: what each can do at most and the CPU time that costs, latencies at parts of it, and the highest
 * rates within two bounds.
 *
 *     npm run bench:server -- --network resnet18 --modes rest-json,rest-binary,grpc --rates 25,50,75,90 --arrivals poisson --seconds 3
 *         --streams 2 --threads 1 --max-batch-size 16 --in-flight 32 [--quick] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel } from '../../lib/index.ts';
import { onnxRuntimeInt8 } from '../onnxruntime-types.ts';
import { precisionsHere } from '../precisions.ts';
import { prepareNetwork } from '../prepare.ts';
import { formatSetup, setupHere } from '../report.ts';
import { type Baselines, measureBaselines } from './baseline.ts';
import { bestPeer, ourContenders } from './contenders.ts';
import { type Measurement, measure } from './measure.ts';
import { optionsOf } from './options.ts';
import { boundTable, capacityTable, rateTable } from './tables.ts';
import { verdicts } from './verdicts.ts';

const options = optionsOf(process.argv.slice(2));
const { network, milliseconds, inFlight, streams, threads, arrivals } = options;

/** Every contender after the other, each in processes of its own. */
async function measureAll(folder: string): Promise<[Baselines, Measurement[]]> {
  console.error(`${network}: preparing`);
  const files = await prepareNetwork(network, precisionsHere().precisions, folder);
  const shape = [1, ...files.inputShape];
  const { types } = await onnxRuntimeInt8(files, streams * threads, shape);
  const baselines = await measureBaselines(files, types, options);
  const { ownMs } = baselines.single;
  const question = { ...options, input: await inputOf(files.octavo.int8), shape };
  const plan = { ...question, bounds: [2 * ownMs + 2, 5 * ownMs + 5] };
  const contenders = [...ourContenders(files, options), ...(await bestPeer(files, types, question))];
  const measurements: Measurement[] = [];
  for (const contender of contenders) {
    measurements.push(await measure(contender, plan));
    console.error(`${measurements.length} of ${contenders.length}`);
  }
  return [baselines, measurements];
}

async function inputOf(file: string): Promise<string> {
  using model = await loadModel(file);
  return model.inputs[0].name;
}

function print(baselines: Baselines, measurements: readonly Measurement[]): void {
  const { single, batched, onnxRuntime } = baselines;
  const alone = ({ perSecond, cpuMs }: typeof single) =>
    `${perSecond.toFixed(0)} requests/s (${cpuMs.toFixed(2)} ms of CPU time each)`;
  const clientCpus = options.cpus.client ? 'a CPU of its own' : "the server's CPUs";
  console.log(
    `${network} int8, batch 1, streams x threads: ${streams} x ${threads}. Loads of ${milliseconds / 1000} s; the client has ${clientCpus}.`,
  );
  console.log(
    `run() alone: ${single.ownMs.toFixed(2)} ms; with ${inFlight} under way ${alone(single)}, in batches ${alone(batched)};`,
  );
  console.log(`ONNX Runtime alone: ${onnxRuntime.ownMs.toFixed(2)} ms; ${alone(onnxRuntime)}.`);
  console.log(`\nMost requests, ${inFlight} under way; CPU time is of one request:\n`);
  console.log(capacityTable(measurements, baselines));
  console.log(`\nLatency at parts of that, arrivals ${arrivals}:\n\n${rateTable(measurements)}`);
  console.log(`\nHighest rates within a bound:\n\n${boundTable(measurements)}`);
  console.log(['', ...verdicts(measurements, baselines)].join('\n'));
}

const setup = setupHere();
console.error(formatSetup(setup));
const folder = await mkdtemp(join(tmpdir(), 'octavo-server-'));
try {
  const [baselines, measurements] = await measureAll(folder);
  if (options.json) console.log(JSON.stringify({ setup, options, baselines, measurements }, null, 2));
  else {
    console.log(formatSetup(setup));
    print(baselines, measurements);
  }
} finally {
  await rm(folder, { recursive: true });
}
