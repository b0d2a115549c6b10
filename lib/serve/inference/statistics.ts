import type { ComputeDurations } from '../../runtime/index.ts';
import type { CountedTime, RunTally, VersionTally } from '../models/version-tally.ts';

/**
 * What has been asked of a version of a model so far, as Triton's statistics extension has it. Durations are whole nanoseconds; those of computing are
 * counted for each request, and in `batch_stats` for each execution.
 */
export function statisticsOf({ name, version, lastInference, counts }: VersionTally) {
  const { success, failures, runs } = counts;
  const failed = Object.values(failures);
  return {
    name,
    version,
    last_inference: lastInference,
    inference_count: runs.samples,
    execution_count: runs.executions,
    inference_stats: {
      success: { ...success },
      fail: { count: sum(failed, ({ count }) => count), ns: sum(failed, ({ ns }) => ns) },
      queue: counted(runs.requests, runs.queue),
      ...computing(runs.requests, runs),
      // There is no cache of responses.
      cache_hit: counted(0, 0),
      cache_miss: counted(0, 0),
    },
    batch_stats: batches(runs),
  };
}

const batches = ({ batches }: RunTally) =>
  Object.entries(batches).map(([size, batch]) => ({
    batch_size: Number(size),
    ...computing(batch.executions, batch),
  }));

const computing = (count: number, { input, infer, output }: ComputeDurations) => ({
  compute_input: counted(count, input),
  compute_infer: counted(count, infer),
  compute_output: counted(count, output),
});

const counted = (count: number, ns: number): CountedTime => ({ count, ns: Math.round(ns) });

const sum = (failures: readonly CountedTime[], of: (failure: CountedTime) => number): number =>
  failures.reduce((total, failure) => total + of(failure), 0);
