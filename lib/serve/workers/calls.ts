import type { ProcessMetrics } from '../metrics/process-metrics.ts';
import type { ServerReport } from '../metrics/server-report.ts';
import type { IndexEntry, LoadedVersion } from '../models/repository.ts';
import type { VersionTally } from '../models/version-tally.ts';
import type { ServeOptions } from '../serve-options.ts';
import type { InferenceServer } from '../server.ts';

/** What the primary lets its workers call. Types, not interfaces: those have no names that could be looked up. */
export type PrimaryCalls = {
  /** What a worker has to know before it starts. */
  readonly join: () => Assignment;
  /** It listens. Settles when all do. */
  readonly started: (addresses: Addresses, versions: readonly LoadedVersion[]) => Promise<void>;
  /** It cannot start, and ends. */
  readonly failed: (message: string) => void;
  /** It ends; what it has been asked in its life. */
  readonly counted: (versions: readonly VersionTally[]) => void;
  /** The repositories of all workers. */
  readonly index: () => Promise<readonly IndexEntry[]>;
  readonly load: (name: string) => Promise<void>;
  readonly unload: (name: string) => Promise<void>;
  /** What all of them tell. */
  readonly report: () => Promise<ServerReport>;
};

/** Where a server listens. */
export type Addresses = Pick<InferenceServer, 'url' | 'grpcAddress'>;

export interface Assignment {
  readonly ports: Pick<ServeOptions, 'port' | 'grpcPort'>;
  /** What the others have loaded; undefined if it is one of the first. */
  readonly versions?: readonly LoadedVersion[] | undefined;
}

/** What a worker tells of itself. */
export interface WorkerReport {
  /** What it has been asked of every version. */
  readonly versions: readonly VersionTally[];
  readonly metrics: ProcessMetrics;
}

/** What a worker lets the primary call: its own repository. */
export type WorkerCalls = {
  readonly index: () => Promise<readonly IndexEntry[]>;
  readonly prepare: (name: string) => Promise<void>;
  /** What is loaded after it. */
  readonly commit: (name: string) => Promise<readonly LoadedVersion[]>;
  readonly discard: (name: string) => Promise<void>;
  readonly unload: (name: string) => Promise<void>;
  readonly report: () => Promise<WorkerReport>;
  readonly reloadSecrets: () => Promise<void>;
  /** Answers what it has accepted, then ends. */
  readonly close: () => void;
};
