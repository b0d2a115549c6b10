import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadResult } from './offered-load.ts';

/** What runs the model in a contestant's process. */
export type Engine = 'octavo' | 'onnxruntime' | 'inductor-fp32' | 'inductor-int8';

/** A model file, run by one engine on so many threads a request. */
export interface Entry {
  readonly name: string;
  readonly engine: Engine;
  readonly file: string;
  readonly threads: number;
  /** Requests that run at the same time; 1 where left out. */
  readonly streams?: number;
  /** The most samples that are computed together; absent: requests are computed one by one. */
  readonly maxBatchSize?: number;
  /** Environment variables of its process, beyond this one's: `{ ONEDNN_MAX_CPU_ISA: 'AVX2' }`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Messages to a contestant's process: first `load`, then `run` and `serve` as often as wanted. */
export type Request =
  | { readonly kind: 'load'; readonly entry: Entry; readonly inputShape: readonly number[] }
  | { readonly kind: 'run'; readonly times: number }
  | { readonly kind: 'serve'; readonly inFlight: number; readonly milliseconds: number };

/** Its answer: nothing after `load`, the wall time of each run in milliseconds, a load's result; or what went wrong. */
export type Reply =
  | { readonly result: undefined | readonly number[] | LoadResult }
  | { readonly error: string };

/**
 * One engine with one model in a process of its own, so that no thread pool spins while another engine is timed. It
 * works only while it is asked to.
 */
export class Contestant {
  readonly entry: Entry;
  readonly #process: ChildProcess;

  private constructor(entry: Entry, process: ChildProcess) {
    this.entry = entry;
    this.#process = process;
  }

  static async start(entry: Entry, inputShape: readonly number[]): Promise<Contestant> {
    // Python speaks Node's messages: one JSON document a line.
    const python = entry.engine.startsWith('inductor');
    const file = python ? 'inductor/contestant.py' : 'contestant-process.ts';
    const process = fork(fileURLToPath(new URL(file, import.meta.url)), {
      env: { ...globalThis.process.env, ...entry.environment },
      ...(python ? { execPath: 'python3', execArgv: [] } : {}),
    });
    const contestant = new Contestant(entry, process);
    await contestant.#ask({ kind: 'load', entry, inputShape });
    return contestant;
  }

  /** Runs the model `times` times, one after the other. */
  run(times: number): Promise<readonly number[]> {
    return this.#ask({ kind: 'run', times });
  }

  /** Keeps `inFlight` requests in flight for so long. */
  serve(inFlight: number, milliseconds: number): Promise<LoadResult> {
    return this.#ask({ kind: 'serve', inFlight, milliseconds });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }

  async #ask<Result>(request: Request): Promise<Result> {
    const answer = new Promise<Reply>((resolve, reject) => {
      const onExit = (code: number | null) => reject(new Error(`${this.entry.name} ended with code ${code}`));
      this.#process.once('exit', onExit);
      this.#process.once('message', (reply: Reply) => {
        this.#process.off('exit', onExit);
        resolve(reply);
      });
    });
    this.#process.send(request);
    const reply = await answer;
    if ('error' in reply) throw new Error(`${this.entry.name}: ${reply.error}`);
    return reply.result as Result;
  }
}
