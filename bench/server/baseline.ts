import { median } from '../../lib/statistics.ts';
import { Contestant, type Entry } from '../contestant.ts';
import type { NetworkFiles } from '../prepare.ts';
import type { Contender } from './contender.ts';
import { cpuTimeOf, since } from './cpu-time.ts';
import type { LoadOptions } from './options.ts';

/** A model alone, called in a process that does nothing else. */
export interface Baseline {
  /** Of one request at a time: the median. */
  readonly ownMs: number;
  /** Results a second with as many requests under way as the servers have. */
  readonly perSecond: number;
  /** CPU time of all its threads for one request, in milliseconds. */
  readonly cpuMs: number;
}

/** The models alone, on the threads and in the batches that the servers have. */
export interface Baselines {
  readonly single: Baseline;
  readonly batched: Baseline;
  readonly onnxRuntime: Baseline;
}

/** The one that a contender can be measured by. */
export function baselineOf({ server, maxBatchSize }: Contender, all: Baselines): Baseline {
  if (server.kind === 'peer') return all.onnxRuntime;
  return maxBatchSize === undefined ? all.single : all.batched;
}

/** @param types the element types of ONNX Runtime's network, as `u8s8`. */
export async function measureBaselines(
  { octavo, onnxInt8, inputShape }: NetworkFiles,
  types: string,
  options: LoadOptions,
): Promise<Baselines> {
  const { streams, threads, maxBatchSize } = options;
  const ours = { name: 'Octavo', engine: 'octavo', file: octavo.int8, streams, threads } as const;
  const file = onnxInt8[types];
  const theirs = { name: 'ORT', engine: 'onnxruntime', file, threads: streams * threads } as const;
  const shape = [1, ...inputShape];
  return {
    single: await measureBaseline(ours, shape, options),
    batched: await measureBaseline({ ...ours, maxBatchSize }, shape, options),
    onnxRuntime: await measureBaseline(theirs, shape, options),
  };
}

async function measureBaseline(
  entry: Entry,
  shape: readonly number[],
  { inFlight, milliseconds }: LoadOptions,
): Promise<Baseline> {
  const contestant = await Contestant.start(entry, shape);
  try {
    const warm = Math.min(...(await contestant.run(20)));
    const ownMs = median(await contestant.run(Math.ceil(milliseconds / 4 / warm)));
    await contestant.serve(inFlight, milliseconds / 4); // until batches have their plans
    const before = cpuTimeOf(contestant.pid);
    const { milliseconds: times, requestsPerSecond } = await contestant.serve(inFlight, milliseconds);
    const { eventLoop, others } = since(before, cpuTimeOf(contestant.pid));
    // Before it counts, it runs as many as are under way once, and as many are left at the end.
    const computed = times.length + 2 * inFlight;
    return { ownMs, perSecond: requestsPerSecond, cpuMs: (eventLoop + others) / computed };
  } finally {
    await contestant.stop();
  }
}
