import type { CompiledModel, RunStatistics } from '../../runtime/index.ts';
import { DurationHistogram } from './duration-histogram.ts';
import {
  addCounts,
  type CountedTime,
  type FailureReason,
  type Protocol,
  type RunTally,
  type VersionTally,
} from './version-tally.ts';

const never = (): CountedTime => ({ count: 0, ns: 0 });

const noRuns: RunTally = {
  requests: 0,
  samples: 0,
  executions: 0,
  queue: 0,
  input: 0,
  infer: 0,
  output: 0,
  batches: {},
};

/**
 * What has been asked of one version of a model, and what became of it. Where a file is replaced by another of the same version, both
 * models count here, one after the other: nothing is lost, and nothing starts again from zero.
 */
export class VersionStatistics {
  readonly name: string;
  readonly version: string;
  readonly success = never();
  readonly failures: Readonly<Record<FailureReason, CountedTime>> = {
    REJECTED: never(),
    CANCELED: never(),
    BACKEND: never(),
    OTHER: never(),
  };
  /** How long successful requests took, by the protocol that they came by. */
  readonly durations: Readonly<Record<Protocol, DurationHistogram>> = {
    rest: new DurationHistogram(),
    grpc: new DurationHistogram(),
  };
  /** When the last request succeeded, in milliseconds since 1970; 0: none has. */
  lastInference = 0;
  readonly #models = new Set<CompiledModel>();
  /** Of models that were freed. */
  #past = noRuns;

  constructor(name: string, version: string) {
    this.name = name;
    this.version = version;
  }

  attach(model: CompiledModel): void {
    this.#models.add(model);
  }

  /** A model that is about to be freed. */
  detach(model: CompiledModel): void {
    if (this.#models.delete(model)) this.#past = addCounts(this.#past, tallyOf(model.statistics));
  }

  /** What the models have computed. */
  get runs(): RunTally {
    return [...this.#models].reduce((sum, { statistics }) => addCounts(sum, tallyOf(statistics)), this.#past);
  }

  /** Requests that wait for a model. */
  get waiting(): number {
    return [...this.#models].reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** All of it as it is now. */
  get tally(): VersionTally {
    const { name, version, lastInference, waiting, success, failures, durations, runs } = this;
    return structuredClone({
      name,
      version,
      lastInference,
      waiting,
      counts: { success, failures, durations, runs },
    });
  }

  /** @param milliseconds how long it took. */
  succeeded(protocol: Protocol, milliseconds: number): void {
    count(this.success, milliseconds);
    this.durations[protocol].add(milliseconds / 1000);
    this.lastInference = Date.now();
  }

  failed(reason: FailureReason, milliseconds: number): void {
    count(this.failures[reason], milliseconds);
  }
}

function count(counted: CountedTime, milliseconds: number): void {
  counted.count++;
  counted.ns += Math.round(1e6 * milliseconds);
}

const tallyOf = ({ batches, ...runs }: RunStatistics): RunTally => ({
  ...runs,
  batches: Object.fromEntries(batches),
});
