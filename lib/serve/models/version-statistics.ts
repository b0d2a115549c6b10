import type { CompiledModel, RunStatistics } from '../../runtime/index.ts';
import { DurationHistogram } from './duration-histogram.ts';

/** Why a request failed, in Triton's words: it could not wait, nobody waits for it any more, the model failed, or it was wrong. */
export type FailureReason = 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER';
export const failureReasons: readonly FailureReason[] = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'];

/** The ways that a request comes. */
export type Protocol = 'rest' | 'grpc';

/** How often something happened, and how long it took together, in nanoseconds. */
export interface CountedTime {
  count: number;
  ns: number;
}

const never = (): CountedTime => ({ count: 0, ns: 0 });

const noRuns: RunStatistics = {
  requests: 0,
  samples: 0,
  executions: 0,
  queue: 0,
  input: 0,
  infer: 0,
  output: 0,
  batches: new Map(),
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
    if (this.#models.delete(model)) this.#past = add(this.#past, model.statistics);
  }

  /** What the models have computed. */
  get runs(): RunStatistics {
    return [...this.#models].reduce((sum, { statistics }) => add(sum, statistics), this.#past);
  }

  /** Requests that wait for a model. */
  get waiting(): number {
    return [...this.#models].reduce((sum, { waiting }) => sum + waiting, 0);
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

function add(a: RunStatistics, b: RunStatistics): RunStatistics {
  const batches = new Map(a.batches);
  for (const [size, { executions, input, infer, output }] of b.batches) {
    const sum = batches.get(size) ?? { executions: 0, input: 0, infer: 0, output: 0 };
    batches.set(size, {
      executions: sum.executions + executions,
      input: sum.input + input,
      infer: sum.infer + infer,
      output: sum.output + output,
    });
  }
  return {
    requests: a.requests + b.requests,
    samples: a.samples + b.samples,
    executions: a.executions + b.executions,
    queue: a.queue + b.queue,
    input: a.input + b.input,
    infer: a.infer + b.infer,
    output: a.output + b.output,
    batches,
  };
}
