/**
 * `npm run bench:serving`: a server's load on one network, int8, batch 1. Keeps 1, 4, 16 and 64 requests in flight, on one
 * stream of all threads and on as many streams of one thread each, one by one and in batches of up to 16, alone and beside a
 * process that keeps one CPU busy; the same for ONNX Runtime on all threads. Contestants take turns. Prints a markdown table of medians over the turns.
 *
 *     npm run bench:serving -- --network resnet18 --in-flight 1,4,16,64 --threads 2 --rounds 5 [--quick] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { cpuFeatures } from '../lib/index.ts';
import { median, quantile } from '../lib/statistics.ts';
import { imageShape } from './bench-network.ts';
import { Contestant, type Entry } from './contestant.ts';
import { effortOptions, positiveIntegers } from './effort.ts';
import { otherLoad, snapshot } from './machine.ts';
import { withNeighbour } from './neighbour.ts';
import type { LoadResult } from './offered-load.ts';
import { onnxRuntimeInt8 } from './onnxruntime-types.ts';
import { precisionsHere } from './precisions.ts';
import { type NetworkFiles, prepareNetwork } from './prepare.ts';
import { formatSetup, setupHere } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...effortOptions,
    rounds: { type: 'string', default: '5' },
    network: { type: 'string', default: 'resnet18' },
    'in-flight': { type: 'string', default: '1,4,16,64' },
    threads: { type: 'string', default: String(cpuFeatures().cores) },
  },
});
const [rounds] = positiveIntegers('rounds', options.quick ? '2' : options.rounds);
const turnMilliseconds = options.quick ? 1000 : 3000;
const [threads] = positiveIntegers('threads', options.threads);
if (threads < 2) throw new Error('--threads must be 2 or more: one thread cannot be divided in two ways');
const inFlightCounts = positiveIntegers('in-flight', options['in-flight']);
const inputShape = [1, ...imageShape];

/** Who serves, how many at once, and beside whom. */
interface Situation {
  readonly name: string;
  readonly engine: Entry['engine'];
  readonly streams: number;
  readonly threadsPerStream: number;
  readonly inFlight: number;
  readonly neighbour: boolean;
}

/** Medians over all turns in one situation. */
interface Measurement extends Situation {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly requestsPerSecond: number;
  readonly eventLoopP99Ms: number;
  /** Cores kept busy by others than the contestants and the neighbour. */
  readonly otherLoad: number;
}

type Turn = LoadResult & { readonly otherLoad: number };

function entriesOf({ octavo, onnxInt8 }: NetworkFiles, types: string): Entry[] {
  const ours = { name: 'Octavo', engine: 'octavo', file: octavo.int8 } as const;
  return [
    { ...ours, streams: 1, threads },
    { ...ours, streams: threads, threads: 1 },
    { ...ours, name: 'Octavo, batching', streams: 1, threads, maxBatchSize: 16 },
    { ...ours, name: 'Octavo, batching', streams: threads, threads: 1, maxBatchSize: 16 },
    // One after the other and on the event loop itself: onnxruntime-node knows no other way.
    { name: 'ORT', engine: 'onnxruntime', file: onnxInt8[types], streams: 1, threads },
  ];
}

async function takeTurn(contestant: Contestant, inFlight: number, pids: readonly number[]): Promise<Turn> {
  const before = snapshot(pids);
  const result = await contestant.serve(inFlight, turnMilliseconds);
  const turn = { ...result, otherLoad: otherLoad(before, snapshot(pids)) };
  await sleep(20); // until the engine's threads have stopped spinning
  return turn;
}

/** All turns, by situation. Who was first in one round is last in the next. */
async function takeTurns(contestants: readonly Contestant[]): Promise<Map<string, Turn[]>> {
  const turns = new Map<string, Turn[]>();
  const round = async (order: readonly Contestant[], neighbours: readonly number[]) => {
    const pids = [...contestants.map(({ pid }) => pid), ...neighbours];
    for (const contestant of order)
      for (const inFlight of inFlightCounts) {
        const key = keyOf(situationOf(contestant.entry, inFlight, neighbours.length > 0));
        turns.set(key, [...(turns.get(key) ?? []), await takeTurn(contestant, inFlight, pids)]);
      }
  };
  for (let i = 0; i < rounds; i++) {
    const order = i % 2 === 0 ? contestants : contestants.toReversed();
    await round(order, []);
    await withNeighbour((pid) => round(order, [pid]));
    console.error(`round ${i + 1} of ${rounds}`);
  }
  return turns;
}

function situationOf(entry: Entry, inFlight: number, neighbour: boolean): Situation {
  const { name, engine, streams = 1, threads: threadsPerStream } = entry;
  return { name, engine, streams, threadsPerStream, inFlight, neighbour };
}

const keyOf = (situation: Situation): string => JSON.stringify(situation);

function summarize(key: string, turns: readonly Turn[]): Measurement {
  const middle = (figure: (turn: Turn) => number) => median(turns.map(figure));
  const latency = (q: number) => middle(({ milliseconds }) => quantile(milliseconds, q));
  return {
    ...(JSON.parse(key) as Situation),
    p50Ms: latency(0.5),
    p95Ms: latency(0.95),
    p99Ms: latency(0.99),
    requestsPerSecond: middle((turn) => turn.requestsPerSecond),
    eventLoopP99Ms: middle((turn) => turn.eventLoopP99Ms),
    otherLoad: middle((turn) => turn.otherLoad),
  };
}

async function measure(): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-serving-'));
  const contestants: Contestant[] = [];
  try {
    console.error(`${options.network}: preparing`);
    const files = await prepareNetwork(options.network, precisionsHere().precisions, folder);
    const { types } = await onnxRuntimeInt8(files, threads, inputShape);
    for (const entry of entriesOf(files, types)) contestants.push(await Contestant.start(entry, inputShape));
    return [...(await takeTurns(contestants))].map(([key, turns]) => summarize(key, turns));
  } finally {
    for (const contestant of contestants) await contestant.stop();
    await rm(folder, { recursive: true });
  }
}

const milliseconds = (value: number) => value.toFixed(value < 10 ? 2 : 1);

function table(measurements: readonly Measurement[]): string {
  const heading = ['engine', 'streams x threads', 'in flight', 'neighbour', 'p50 ms', 'p95 ms', 'p99 ms'];
  const more = ['requests/s', 'event loop p99 ms', 'other load'];
  const rows = measurements.map((one) => [
    one.name,
    `${one.streams} x ${one.threadsPerStream}`,
    String(one.inFlight),
    one.neighbour ? 'busy' : '',
    ...[one.p50Ms, one.p95Ms, one.p99Ms].map(milliseconds),
    one.requestsPerSecond.toFixed(1),
    milliseconds(one.eventLoopP99Ms),
    one.otherLoad.toFixed(2),
  ]);
  const align = [...heading, ...more].map((_, column) => (column === 0 ? 'l' : 'r'));
  return markdownTable([[...heading, ...more], ...rows], { align });
}

/** The figures a server is chosen by. */
function verdicts(measurements: readonly Measurement[]): string[] {
  const of = (engine: string, streams: number, inFlight: number, neighbour: boolean) =>
    measurements.find(
      (one) =>
        one.name === engine &&
        one.streams === streams &&
        one.inFlight === inFlight &&
        one.neighbour === neighbour,
    )!;
  const [least, most] = [Math.min(...inFlightCounts), Math.max(...inFlightCounts)];
  const wide = of('Octavo', 1, most, false);
  const many = of('Octavo', threads, most, false);
  const batches = [1, threads].map((streams) => of('Octavo, batching', streams, most, false));
  const late = Math.max(...[wide, many, ...batches].map(({ eventLoopP99Ms }) => eventLoopP99Ms));
  const slower = (engine: string) =>
    (of(engine, 1, least, true).p50Ms / of(engine, 1, least, false).p50Ms).toFixed(2);
  const times = (one: Measurement, other: Measurement) =>
    (one.requestsPerSecond / other.requestsPerSecond).toFixed(2);
  return [
    `With ${most} in flight, ${threads} x 1 serves ${times(many, wide)} times the requests of 1 x ${threads}, ` +
      `and ${times(many, of('ORT', 1, most, false))} times those of ORT; the event loop's p99 is ${milliseconds(late)} ms.`,
    `In batches, 1 x ${threads} serves ${times(batches[0], wide)} times as many requests, ${threads} x 1 ${times(batches[1], many)} times.`,
    `With ${least} in flight, a neighbour makes 1 x ${threads} ${slower('Octavo')} times slower, ORT ${slower('ORT')} times.`,
  ];
}

const setup = setupHere();
console.error(formatSetup(setup));
const measurements = await measure();
if (options.json) console.log(JSON.stringify({ setup, rounds, turnMilliseconds, measurements }, null, 2));
else {
  console.log(`${formatSetup(setup)}\n${options.network} int8, batch 1.`);
  console.log(`Medians of ${rounds} alternating turns of ${turnMilliseconds} ms.\n`);
  console.log(table(measurements));
  console.log(['', ...verdicts(measurements)].join('\n'));
}
