import { setTimeout as sleep } from 'node:timers/promises';
import { type CpuShare, cpuShares } from '../../runtime/index.ts';
import type { LoadedVersion } from '../models/repository.ts';
import type { Addresses, Assignment } from './calls.ts';
import { type Member, SharedRepository } from './shared-repository.ts';
import { SharedStatistics } from './shared-statistics.ts';
import { type End, WorkerProcess } from './worker-process.ts';

/** A worker that has served for so long, in milliseconds, had a good start. */
const steadyAfter = 10_000;
/** How long to wait until a worker is started again, by its ends in a row without a good start, in milliseconds. */
const delays = [0, 500, 1000, 2000, 4000];

/** A worker's place: it has another process after each end. */
interface Place {
  readonly number: number;
  readonly share: CpuShare;
  process: WorkerProcess;
  /** When the process began to serve. */
  servesSince: number | undefined;
  /** Ends in a row without a good start. */
  badStarts: number;
}

/** The workers of a server, in the process that starts them again when they end. */
export class Primary {
  readonly #ports: Assignment['ports'];
  readonly #warn: (message: string) => void;
  readonly #places: Place[] = [];
  readonly #repository = new SharedRepository(() => this.#members());
  readonly #statistics = new SharedStatistics(
    () => this.#members(),
    () => this.versions,
  );
  readonly #closing = new AbortController();
  #addresses: Addresses = { url: '', grpcAddress: undefined };
  #isComplete = false;
  #complete = () => {};
  /** Settles when every worker has started; rejects when one cannot. */
  readonly complete: Promise<void>;
  /** Resolves when all workers have ended; rejects when one ends that is not started again, or cannot be. */
  readonly ended: Promise<void>;

  /** @throws Error when there are more workers than CPUs. */
  constructor(workers: number, ports: Assignment['ports'], warn: (message: string) => void) {
    this.#ports = ports;
    this.#warn = warn;
    const started = new Promise<void>((resolve) => {
      this.#complete = resolve;
    });
    const lives = cpuShares(workers).map((share, i) => this.#keepAlive(i + 1, share));
    this.ended = Promise.all(lives).then(() => {});
    this.complete = Promise.race([started, this.ended]);
    for (const each of [this.ended, this.complete]) each.catch(() => {}); // whoever waits for them hears of it
  }

  /** Of every worker. */
  get addresses(): Addresses {
    return this.#addresses;
  }

  get versions(): readonly LoadedVersion[] {
    return this.#repository.versions ?? [];
  }

  /** The processes that there are now. */
  get processes(): readonly { readonly pid: number; readonly cpus: readonly number[] }[] {
    return this.#places.map(({ process: { pid }, share: { cpus } }) => ({ pid, cpus }));
  }

  /**
   * Lets the workers answer what they have accepted, and waits for their ends.
   * @param limit ends them after so many milliseconds.
   */
  async close(limit: number): Promise<void> {
    this.#closing.abort();
    for (const { process, servesSince } of this.#places)
      if (servesSince === undefined) process.kill();
      else process.peer.call('close').catch(() => {}); // it has ended
    const kill = setTimeout(() => {
      for (const { process } of this.#places) process.kill();
    }, limit);
    await Promise.allSettled(this.#places.map(({ process }) => process.ended));
    clearTimeout(kill);
  }

  /** Of every worker that serves. */
  async reloadSecrets(): Promise<void> {
    await Promise.all(this.#members().map(({ peer }) => peer.call('reloadSecrets')));
  }

  #members(): readonly Member[] {
    return this.#places
      .filter(({ servesSince }) => servesSince !== undefined)
      .map(({ number, process: { peer } }) => ({ number, peer }));
  }

  /** Until the server closes. */
  async #keepAlive(number: number, share: CpuShare): Promise<void> {
    const process = this.#start(number, share);
    const place: Place = { number, share, process, servesSince: undefined, badStarts: 0 };
    this.#places.push(place);
    const { signal } = this.#closing;
    while (true) {
      const end = await place.process.ended;
      this.#statistics.end(place.process.peer);
      if (signal.aborted) return;
      const delay = this.#delayAfter(place, end);
      if (delay === undefined) throw new Error(end.message);
      place.servesSince = undefined;
      this.#warn(`${end.message}; another one takes its place${delay > 0 ? ` in ${delay} ms` : ''}`);
      await sleep(delay, undefined, { signal }).catch(() => {}); // it closes
      if (signal.aborted) return;
      place.process = this.#start(number, share);
    }
  }

  /** How long to wait until the next start; undefined if there is none. */
  #delayAfter(place: Place, { wasAsked }: End): number | undefined {
    if (!this.#isComplete) return undefined;
    const { servesSince } = place;
    // One that has not served yet was asked by nobody, whatever its code.
    const isGood = servesSince !== undefined && (wasAsked || performance.now() - servesSince >= steadyAfter);
    if (isGood) place.badStarts = 0;
    return delays[place.badStarts++];
  }

  #start(number: number, share: CpuShare): WorkerProcess {
    const process = new WorkerProcess(number, share, (worker) => ({
      join: () => ({ ports: this.#ports, versions: this.#repository.versions }),
      started: (addresses, versions) => this.#admit(number, worker, addresses, versions),
      counted: (versions) => this.#statistics.record(worker.peer, versions),
      index: () => this.#repository.index(),
      load: (name) => this.#repository.load(name),
      unload: (name) => this.#repository.unload(name),
      report: () => this.#statistics.report(),
    }));
    this.#statistics.begin(process.peer);
    return process;
  }

  async #admit(
    number: number,
    worker: WorkerProcess,
    addresses: Addresses,
    versions: readonly LoadedVersion[],
  ): Promise<void> {
    const place = this.#places[number - 1];
    // What it has said may be read after its end.
    if (place.process !== worker) return;
    const { peer } = worker;
    place.servesSince = performance.now();
    this.#addresses = addresses;
    try {
      await this.#repository.join({ number, peer }, versions);
    } catch (error) {
      this.#warn(`worker ${number} may serve other versions: ${(error as Error).message}`);
    }
    this.#isComplete ||= this.#places.every(({ servesSince }) => servesSince !== undefined);
    if (this.#isComplete) this.#complete();
    await this.complete;
  }
}
