import type { BatchStatistics, RunStatistics } from '../../runtime/index.ts';

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

/** How often there was what: by the first bound that is not exceeded; the last count is of those that exceed all. */
export interface Distribution {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** What models have computed, with the batches by their sizes, as JSON can hold them. */
export type RunTally = Omit<RunStatistics, 'batches'> & {
  readonly batches: Readonly<Record<string, BatchStatistics>>;
};

/** What of a version only grows. */
export interface VersionCounts {
  readonly success: Readonly<CountedTime>;
  readonly failures: Readonly<Record<FailureReason, Readonly<CountedTime>>>;
  /** How long successful requests took, by the protocol that they came by. */
  readonly durations: Readonly<Record<Protocol, Distribution>>;
  readonly runs: RunTally;
}

/** What has been asked of one version of a model until now, in one process or in several. It is JSON. */
export interface VersionTally {
  readonly name: string;
  readonly version: string;
  /** When the last request succeeded, in milliseconds since 1970; 0: none has. */
  readonly lastInference: number;
  /** Requests that wait for a model. */
  readonly waiting: number;
  readonly counts: VersionCounts;
}

/** What two processes have been asked of the same version. */
export const addTallies = (a: VersionTally, b: VersionTally): VersionTally => ({
  ...a,
  lastInference: Math.max(a.lastInference, b.lastInference),
  waiting: a.waiting + b.waiting,
  counts: addCounts(a.counts, b.counts),
});

/** Number by number. What only one of them has, as the size of a batch, is as there. */
export const addCounts = <T extends VersionCounts | RunTally>(a: T, b: T): T =>
  added(a as unknown as Counts, b as unknown as Counts) as unknown as T;

type Counts = number | readonly Counts[] | { readonly [name: string]: Counts };

function added(a: Counts | undefined, b: Counts | undefined): Counts {
  if (a === undefined || b === undefined) return (a ?? b)!;
  if (typeof a === 'number') return a + (b as number);
  const theirs = b as { readonly [name: string]: Counts };
  if (Array.isArray(a)) return a.map((each, i) => added(each, theirs[i]));
  const ours = a as { readonly [name: string]: Counts };
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return Object.fromEntries([...names].map((name) => [name, added(ours[name], theirs[name])]));
}
