import { Registry } from 'prom-client';
import type { VersionTally } from '../models/version-tally.ts';
import { modelMetrics } from './model-metrics.ts';
import { metricsOfProcesses, type ProcessReport } from './process-metrics.ts';

/** What several processes tell of themselves that serve as one. */
export interface ServerReport {
  /** What has been asked of every version in all of them. */
  readonly versions: readonly VersionTally[];
  readonly processes: readonly ProcessReport[];
}

/** The metrics of models, summed up, and those of each process. */
export const metricsOfReport = ({ versions, processes }: ServerReport): Registry =>
  Registry.merge([modelMetrics(() => versions), metricsOfProcesses(processes)]);
