import { AskedProcess } from './asked-process.ts';
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

/**
 * Messages to a contestant's process: first `load`, then `run` and `serve` as often as wanted. It answers nothing to `load`, the
 * wall time of each run in milliseconds, or a {@link LoadResult}.
 */
export type Request =
  | { readonly kind: 'load'; readonly entry: Entry; readonly inputShape: readonly number[] }
  | { readonly kind: 'run'; readonly times: number }
  | { readonly kind: 'serve'; readonly inFlight: number; readonly milliseconds: number };

/**
 * One engine with one model in a process of its own, so that no thread pool spins while another engine is timed. It
 * works only while it is asked to.
 */
export class Contestant {
  readonly entry: Entry;
  readonly #process: AskedProcess<Request>;

  private constructor(entry: Entry, process: AskedProcess<Request>) {
    this.entry = entry;
    this.#process = process;
  }

  static async start(entry: Entry, inputShape: readonly number[]): Promise<Contestant> {
    // Python speaks Node's messages: one JSON document a line.
    const python = entry.engine.startsWith('inductor');
    const file = python ? 'inductor/contestant.py' : 'contestant-process.ts';
    const process = new AskedProcess<Request>(entry.name, new URL(file, import.meta.url), {
      env: { ...globalThis.process.env, ...entry.environment },
      ...(python ? { execPath: 'python3', execArgv: [] } : {}),
    });
    const contestant = new Contestant(entry, process);
    await process.ask({ kind: 'load', entry, inputShape });
    return contestant;
  }

  /** Runs the model `times` times, one after the other. */
  run(times: number): Promise<readonly number[]> {
    return this.#process.ask({ kind: 'run', times });
  }

  /** Keeps `inFlight` requests in flight for so long. */
  serve(inFlight: number, milliseconds: number): Promise<LoadResult> {
    return this.#process.ask({ kind: 'serve', inFlight, milliseconds });
  }

  get pid(): number {
    return this.#process.pid;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
