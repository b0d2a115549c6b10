import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessReport, processMetrics } from '../metrics/process-metrics.ts';
import type { ServerReport } from '../metrics/server-report.ts';
import type { LoadedVersion } from '../models/repository.ts';
import { addTallies, type VersionTally } from '../models/version-tally.ts';
import type { WorkerReport } from './calls.ts';
import type { Member } from './shared-repository.ts';

type WorkerPeer = Member['peer'];

/** A worker that has not answered in so many milliseconds is told of without its answer. */
const patience = 2000;

/**
 * What all workers have been asked, as one server would tell it: sums, with what workers had counted that have ended. A worker that does not
 * answer counts with what it has told last; so no sum falls while a version is loaded.
 */
export class SharedStatistics {
  readonly #members: () => readonly Member[];
  readonly #loaded: () => readonly LoadedVersion[];
  /** What each worker has told last, until it ends. */
  readonly #told = new Map<WorkerPeer, readonly VersionTally[]>();
  /** Those that still owe an answer, which are not asked again. */
  readonly #silent = new Set<WorkerPeer>();
  /** Of workers that have ended, and of versions that single workers hold no more. */
  #past: readonly VersionTally[] = [];

  /**
   * @param members the workers that serve now.
   * @param loaded what is loaded in all.
   */
  constructor(members: () => readonly Member[], loaded: () => readonly LoadedVersion[]) {
    this.#members = members;
    this.#loaded = loaded;
    processMetrics(); // measures from now on
  }

  /** A worker's process begins. */
  begin(peer: WorkerPeer): void {
    this.#told.set(peer, []);
  }

  /** What a worker has told. An answer that comes after its end has been counted is too late. */
  record(peer: WorkerPeer, versions: readonly VersionTally[]): void {
    const told = this.#told.get(peer);
    if (!told) return;
    // Others may still answer the last requests of such a version: its sum must not fall before they have.
    this.#keep(told.filter((old) => !versions.some((each) => isSame(each, old))));
    this.#told.set(peer, versions);
  }

  /** A worker's process is gone, with the requests that waited there. */
  end(peer: WorkerPeer): void {
    this.#keep(this.#told.get(peer) ?? []);
    this.#told.delete(peer);
  }

  /** Asks all workers. */
  async report(): Promise<ServerReport> {
    const ofWorkers = this.#members().map(async ({ number, peer }): Promise<ProcessReport> => {
      const answer = await this.#ask(peer);
      if (answer) this.record(peer, answer.versions);
      return { name: `worker-${number}`, metrics: answer?.metrics };
    });
    const ofPrimary = { name: 'primary', metrics: await processMetrics().getMetricsAsJSON() };
    const processes = [ofPrimary, ...(await Promise.all(ofWorkers))];
    return { versions: this.#sum(), processes };
  }

  #keep(tallies: readonly VersionTally[]): void {
    this.#past = sums([...this.#past, ...tallies.map((each) => ({ ...each, waiting: 0 }))]);
  }

  #sum(): readonly VersionTally[] {
    const told = [...this.#told.values()].flat();
    // As where one process serves: a version that is not loaded any more, and has no request left, is forgotten.
    const known = [...this.#loaded(), ...told];
    this.#past = this.#past.filter((past) => known.some((each) => isSame(each, past)));
    return sums([...this.#past, ...told]);
  }

  /** @returns undefined if it does not answer in time, or has ended. */
  async #ask(peer: WorkerPeer): Promise<WorkerReport | undefined> {
    if (this.#silent.has(peer)) return undefined;
    let isAsked = true;
    const answered = peer
      .call('report')
      .catch(() => undefined)
      .finally(() => {
        isAsked = false;
        this.#silent.delete(peer);
      });
    const answer = await Promise.race([answered, sleep(patience, undefined, { ref: false })]);
    if (isAsked) this.#silent.add(peer);
    return answer;
  }
}

const isSame = (a: Pick<VersionTally, 'name' | 'version'>, b: Pick<VersionTally, 'name' | 'version'>) =>
  a.name === b.name && a.version === b.version;

/** One for each version. */
function sums(tallies: readonly VersionTally[]): readonly VersionTally[] {
  const sums = new Map<string, VersionTally>();
  for (const tally of tallies) {
    const key = `${tally.name} ${tally.version}`;
    const sum = sums.get(key);
    sums.set(key, sum ? addTallies(sum, tally) : tally);
  }
  return [...sums.values()];
}
