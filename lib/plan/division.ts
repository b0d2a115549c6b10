import type { PlanDesc } from '../native/addon.ts';
import { bytesPerMicrosecond, productMicroseconds } from './estimate.ts';
import { threadsFor } from './threads.ts';
import { bytesMoved, type StepOperands } from './work.ts';

/** How a batch is computed: in `parts` parts, `lanes` of them at the same time. */
export interface Division {
  readonly parts: number;
  /** Threads that each compute parts by themselves; 1 if all threads share every step of one part after the other. */
  readonly lanes: number;
}

/** A batch as a whole. */
export const undivided: Division = { parts: 1, lanes: 1 };

/** Second- and third-level cache of one core on today's servers, in bytes. */
const cacheBytes = 4 * 2 ** 20;

/** The largest part, in samples; larger ones gain nothing. */
const mostSamples = 256;

/** The fixed cost of a step in addition to its work, in microseconds: the call, and the first lines of memory. */
const stepOverhead = 1;

/** Time for the threads to start on their parts and to meet again, in microseconds. */
const meeting = 30;

/** The share of their speed that threads keep if they share every step: they wait for each other at its end. */
const sharing = 0.95;

/**
 * Chooses how to compute a batch whose samples do not depend on each other. In parts, a step's result is still in the
 * cache when the next one reads it, and threads meet once a request instead of once a step. On the other hand, weights
 * are read again for each part, and the last parts may leave threads idle.
 * @param sample the plan of one sample.
 * @param batch the number of samples.
 * @param threads the threads that may compute it.
 */
export function divideBatch(sample: PlanDesc, batch: number, threads: number): Division {
  const costs = costsOf(sample);
  let best = undivided;
  let least = wholeMicroseconds(costs, batch, threads);
  for (let samples = Math.min(mostSamples, Math.floor(batch / 2)); samples >= 1; samples--) {
    if (batch % samples !== 0) continue;
    const parts = batch / samples;
    const lanes = Math.min(threads, parts);
    const time =
      Math.ceil(parts / lanes) * partMicroseconds(costs, samples, weightsRead(costs, lanes)) +
      (lanes > 1 ? meeting : 0);
    if (time < least) [best, least] = [{ parts, lanes }, time];
  }
  return best;
}

interface Costs {
  readonly steps: readonly StepOperands[];
  /** Time for one sample's products, in microseconds. */
  readonly products: number;
  /** Bytes of one sample that each step reads and writes. */
  readonly sampleBytes: readonly number[];
  readonly weightBytes: number;
}

function costsOf({ values, steps }: PlanDesc): Costs {
  const at = (indices: readonly number[]) => indices.map((index) => values[index]);
  const operands = steps.map(({ op, inputs, outputs }) => ({ op, inputs: at(inputs), outputs: at(outputs) }));
  const bytesOf = (step: (typeof operands)[number], weights: boolean) =>
    bytesMoved({
      inputs: step.inputs.filter(({ storage }) => (storage.kind === 'constant') === weights),
      outputs: weights ? [] : step.outputs,
    });
  return {
    steps: operands,
    products: operands.reduce((sum, step) => sum + productMicroseconds(step), 0),
    sampleBytes: operands.map((step) => bytesOf(step, false)),
    weightBytes: operands.reduce((sum, step) => sum + bytesOf(step, true), 0),
  };
}

/** Time for one thread to compute `samples` samples and to stream `weights` bytes of weights. */
function partMicroseconds({ steps, products, sampleBytes }: Costs, samples: number, weights: number): number {
  const beyondCache = sampleBytes.map((bytes) => samples * bytes).filter((bytes) => bytes > cacheBytes);
  const bytes = beyondCache.reduce((sum, each) => sum + each, weights);
  return samples * products + bytes / bytesPerMicrosecond + steps.length * stepOverhead;
}

/**
 * Bytes of weights that a lane waits for: each lane reads all of them, at the same time as the others unless a cache
 * holds them.
 */
function weightsRead({ weightBytes }: Costs, lanes: number): number {
  return weightBytes > cacheBytes ? lanes * weightBytes : weightBytes;
}

/**
 * Time if all threads share the steps of the whole batch, as if each had its share of the samples and of the weights.
 */
function wholeMicroseconds(costs: Costs, batch: number, threads: number): number {
  const used = threadsFor(costs.steps, threads, batch);
  return partMicroseconds(costs, batch / used, costs.weightBytes / used) / (used > 1 ? sharing : 1);
}
