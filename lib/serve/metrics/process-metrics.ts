import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import { addGauge } from './read-metrics.ts';

/** What is measured of a process, as JSON holds it. */
export type ProcessMetrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** One process of several that serve as one. */
export interface ProcessReport {
  /** `primary`, or `worker-2` */
  readonly name: string;
  /** Undefined where it has not answered. */
  readonly metrics: ProcessMetrics | undefined;
}

let ofProcess: Registry | undefined;

/** What is measured of a process is measured once: the watching of its garbage collections and of its event loop never ends. */
export function processMetrics(): Registry {
  if (ofProcess) return ofProcess;
  ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  return ofProcess;
}

/** What is measured of several processes, each with its name as the label `process`, and whether it has answered. */
export function metricsOfProcesses(reports: readonly ProcessReport[]): Registry {
  const labelled = reports.map(({ name, metrics = [] }) => metrics.map((metric) => labelledBy(metric, name)));
  const up = new Registry();
  addGauge(
    up,
    {
      name: 'octavo_process_up',
      help: 'Whether a process of the server has answered: 1, or 0',
      labelNames: ['process'],
    },
    () => reports.map(({ name, metrics }) => ({ labels: { process: name }, value: metrics ? 1 : 0 })),
  );
  return Registry.merge([AggregatorRegistry.aggregate(labelled), up]);
}

const labelledBy = (metric: ProcessMetrics[number], process: string): ProcessMetrics[number] => ({
  ...metric,
  // No two have the same labels, so that nothing is summed up.
  aggregator: 'sum',
  values: metric.values.map((each) => ({
    ...each,
    labels: { ...each.labels, process },
    // JSON has no NaN.
    value: each.value ?? Number.NaN,
  })),
});
