import type { PlanDesc } from '../native/addon-types.ts';
import { costs, productMicroseconds } from './cost-model.ts';
import { threadsFor } from './threads.ts';
import { bytesRead, bytesWritten, type StepOperands, weightBytesReadAgain } from './work.ts';

/** How a batch is computed: in `parts` parts, `lanes` of them at the same time. */
export interface Division {
  readonly parts: number;
  /** Threads that each compute parts by themselves; 1 if all threads share every step of one part after the other. */
  readonly lanes: number;
}

/** A batch as a whole. */
export const undivided: Division = { parts: 1, lanes: 1 };

/** The largest part that is considered, in samples; larger ones gain nothing. */
const mostSamples = 256;

/**
 * Chooses how to compute a batch whose samples do not depend on each other. In parts, a step's result is still in the
 * cache when the next one reads it, and threads meet once a request instead of once a step. On the other hand, weights
 * are read again for each part, and the last parts may leave threads idle.
 * @param sample the plan of one sample.
 * @param batch the number of samples.
 * @param threads the threads that may compute it.
 */
export function divideBatch(sample: PlanDesc, batch: number, threads: number): Division {
  const work = workOf(sample);
  let best = undivided;
  let least = wholeMicroseconds(work, batch, threads);
  for (let samples = Math.min(mostSamples, Math.floor(batch / 2)); samples >= 1; samples--) {
    if (batch % samples !== 0) continue;
    const parts = batch / samples;
    const lanes = Math.min(threads, parts);
    const time =
      Math.ceil(parts / lanes) * partMicroseconds(work, samples, weightsRead(work, lanes)) +
      (lanes > 1 ? costs.meeting : 0);
    if (time < least) [best, least] = [{ parts, lanes }, time];
  }
  return best;
}

interface Work {
  readonly steps: readonly StepOperands[];
  /** Time for one sample's products, in microseconds. */
  readonly products: number;
  /** Bytes of one sample that each step reads and writes. */
  readonly sampleBytes: readonly number[];
  /** Those of weights that a part reads, each as often as it does. */
  readonly weightBytes: number;
}

function workOf({ values, steps }: PlanDesc): Work {
  const at = (indices: readonly number[]) => indices.map((index) => values[index]);
  const operands = steps.map(({ op, inputs, outputs }) => ({ op, inputs: at(inputs), outputs: at(outputs) }));
  const bytesOf = (step: (typeof operands)[number], weights: boolean) => {
    const read = bytesRead(step).filter((_, i) => (step.inputs[i].storage.kind === 'constant') === weights);
    const written = weights ? 0 : bytesWritten(step);
    return read.reduce((sum, bytes) => sum + bytes, written);
  };
  return {
    steps: operands,
    products: operands.reduce((sum, step) => sum + productMicroseconds(step), 0),
    sampleBytes: operands.map((step) => bytesOf(step, false)),
    weightBytes: operands.reduce((sum, step) => sum + bytesOf(step, true) + weightBytesReadAgain(step), 0),
  };
}

/** Time for one thread to compute `samples` samples and to stream `weights` bytes of weights. */
function partMicroseconds({ steps, products, sampleBytes }: Work, samples: number, weights: number): number {
  const beyondCache = sampleBytes.map((bytes) => samples * bytes).filter((bytes) => bytes > costs.cacheBytes);
  const bytes = beyondCache.reduce((sum, each) => sum + each, weights);
  return samples * products + bytes / costs.bytes + steps.length * costs.stepOverhead;
}

/**
 * Bytes of weights that a lane waits for: each lane reads all of them, at the same time as the others unless a cache
 * holds them.
 */
function weightsRead({ weightBytes }: Work, lanes: number): number {
  return weightBytes > costs.cacheBytes ? lanes * weightBytes : weightBytes;
}

/**
 * Time if all threads share the steps of the whole batch, as if each had its share of the samples and of the weights.
 */
function wholeMicroseconds(work: Work, batch: number, threads: number): number {
  const used = threadsFor(work.steps, threads, batch);
  return partMicroseconds(work, batch / used, work.weightBytes / used) / (used > 1 ? costs.sharing : 1);
}
