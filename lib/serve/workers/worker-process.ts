import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { type CpuShare, startOnCpus } from '../../runtime/index.ts';
import type { PrimaryCalls, WorkerCalls } from './calls.ts';
import { type Channel, Peer } from './peer.ts';

/** In a worker's environment: its number, from 1 on. */
export const workerVariable = 'OCTAVO_WORKER';

/** How a worker ended. */
export interface End {
  /** `worker 2 (pid 4711) was ended by SIGKILL` */
  readonly message: string;
  /** Whether somebody asked it to. */
  readonly wasAsked: boolean;
}

/** One worker, from the primary's side. */
export class WorkerProcess {
  readonly pid: number;
  readonly peer: Peer<WorkerCalls>;
  /** Settles when the process is gone. */
  readonly ended: Promise<End>;
  readonly #worker: Worker;
  #failure: string | undefined;

  /** Starts the script of this process once more, as a worker on its CPUs. */
  constructor(
    number: number,
    { cpus, threads }: CpuShare,
    calls: (worker: WorkerProcess) => Omit<PrimaryCalls, 'failed'>,
  ) {
    const { OMP_NUM_THREADS = String(threads) } = process.env;
    this.#worker = startOnCpus(cpus, () =>
      cluster.fork({ [workerVariable]: String(number), OMP_NUM_THREADS }),
    );
    this.pid = this.#worker.process.pid!;
    const name = `worker ${number} (pid ${this.pid})`;
    const failed = (message: string) => {
      this.#failure = message;
    };
    this.peer = new Peer(this.#worker as Channel, name, { ...calls(this), failed });
    closeUnacceptedConnections(this.#worker);
    this.ended = once(this.#worker, 'exit').then(([code, signal]) => {
      const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
      return { message: `${name} ${this.#failure ?? how}`, wasAsked: code === 0 };
    });
  }

  /** Ends it at once. */
  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}

interface Closable {
  close(): void;
}

/**
 * The primary gives each connection to a worker and waits for it to be accepted. One whose worker ends before would stay open, and
 * its client would wait for ever: Node keeps no record of it.
 */
function closeUnacceptedConnections(worker: Worker): void {
  // A worker has one connection to accept at a time for each server. To close an accepted one again does nothing.
  const given = new Map<unknown, Closable>();
  const { process } = worker;
  const send = process.send.bind(process) as (...args: unknown[]) => boolean;
  process.send = (message: unknown, handle?: unknown, ...rest: unknown[]) => {
    const { act, key } = (message ?? {}) as { readonly act?: string; readonly key?: string };
    if (act === 'newconn') given.set(key, handle as Closable);
    return send(message, handle, ...rest);
  };
  worker.once('exit', () => {
    for (const connection of given.values()) connection.close();
  });
}
