import { Registry } from 'prom-client';
import { durationBounds } from '../models/duration-histogram.ts';
import {
  type Distribution,
  failureReasons,
  type RunTally,
  type VersionCounts,
  type VersionTally,
} from '../models/version-tally.ts';
import { addCounter, addGauge, ReadHistogram, type Reading } from './read-metrics.ts';

/** Powers of two, as the sizes are that batches have plans for. */
const batchBounds = Array.from({ length: 11 }, (_, i) => 2 ** i);

const counters: readonly [name: string, help: string, read: (counts: VersionCounts) => number][] = [
  ['nv_inference_request_success', 'Number of successful inference requests', ({ success }) => success.count],
  ['nv_inference_count', 'Number of samples that were computed', ({ runs }) => runs.samples],
  ['nv_inference_exec_count', 'Number of executions: one for a batch', ({ runs }) => runs.executions],
  [
    'nv_inference_request_duration_us',
    'Cumulative duration of successful requests in microseconds',
    ({ success }) => success.ns / 1000,
  ],
  [
    'nv_inference_queue_duration_us',
    'Cumulative time that requests waited to be computed in microseconds',
    ({ runs }) => runs.queue / 1000,
  ],
  [
    'nv_inference_compute_input_duration_us',
    'Cumulative time to gather the inputs of batches in microseconds',
    ({ runs }) => runs.input / 1000,
  ],
  [
    'nv_inference_compute_infer_duration_us',
    'Cumulative time that requests were computed in microseconds',
    ({ runs }) => runs.infer / 1000,
  ],
  [
    'nv_inference_compute_output_duration_us',
    'Cumulative time to hand out the outputs of batches in microseconds',
    ({ runs }) => runs.output / 1000,
  ],
];

/**
 * What the models of a server have been asked, and what they took, for Prometheus: with the names of Triton's metrics where they mean the
 * same, and `octavo_…` where Triton has none. Labels are `model` and `version`. They are there as long as the version is loaded, or finishes its last
 * requests; a file that is replaced by one of the same version goes on with its counts.
 * @param read what has been asked of every version, now.
 */
export function modelMetrics(read: () => readonly VersionTally[]): Registry {
  const registry = new Registry();
  const labelNames = ['model', 'version'];
  const each =
    <T>(readingsOf: (tally: VersionTally) => readonly Reading<T>[]) =>
    (): readonly Reading<T>[] =>
      read().flatMap((tally) => {
        const labels = { model: tally.name, version: tally.version };
        return readingsOf(tally).map((reading) => ({ ...reading, labels: { ...labels, ...reading.labels } }));
      });
  for (const [name, help, count] of counters)
    addCounter(
      registry,
      { name, help, labelNames },
      each(({ counts }) => [{ labels: {}, value: count(counts) }]),
    );
  addCounter(
    registry,
    {
      name: 'nv_inference_request_failure',
      help: 'Number of failed inference requests: REJECTED could not wait, CANCELED by the client, BACKEND failed in the model, OTHER were wrong',
      labelNames: [...labelNames, 'reason'],
    },
    each(({ counts: { failures } }) =>
      failureReasons.map((reason) => ({ labels: { reason }, value: failures[reason].count })),
    ),
  );
  addGauge(
    registry,
    {
      name: 'nv_inference_pending_request_count',
      help: 'Number of requests that wait to be computed',
      labelNames,
    },
    each(({ waiting }) => [{ labels: {}, value: waiting }]),
  );
  new ReadHistogram(
    registry,
    {
      name: 'octavo_inference_duration_seconds',
      help: 'Time from a request to its answer, without the network, of successful requests',
      labelNames: [...labelNames, 'protocol'],
    },
    durationBounds,
    each(({ counts: { durations } }) =>
      Object.entries(durations).map(([protocol, value]) => ({ labels: { protocol }, value })),
    ),
  );
  new ReadHistogram(
    registry,
    {
      name: 'octavo_batch_size',
      help: 'Number of samples that were computed together, by execution',
      labelNames,
    },
    batchBounds,
    each(({ counts }) => [{ labels: {}, value: batchSizes(counts.runs) }]),
  );
  return registry;
}

function batchSizes({ batches, executions, samples }: RunTally): Distribution {
  const counts = new Array<number>(batchBounds.length + 1).fill(0);
  for (const [size, batch] of Object.entries(batches))
    counts[batchBounds.findIndex((bound) => Number(size) <= bound)] += batch.executions;
  // The sizes that are not told apart.
  counts[batchBounds.length] = executions - counts.reduce((sum, count) => sum + count, 0);
  return { counts, sum: samples };
}
