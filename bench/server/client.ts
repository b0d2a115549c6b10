import { AskedProcess } from '../asked-process.ts';
import { type CpuDivision, processOn } from './cpus.ts';
import type { LoadReport } from './load-report.ts';
import type { OpenLoad } from './offer-load.ts';

/** Whom to ask, and how. */
export interface Target {
  /** One of the client's protocols. */
  readonly protocol: string;
  /** Where the model takes requests. */
  readonly url: string;
  /** The model's input. */
  readonly input: string;
  readonly shape: readonly number[];
}

/** Messages to the client's process: `connect` first. The others are answered with a {@link LoadReport}. */
export type ClientMessage =
  | { readonly kind: 'connect'; readonly target: Target }
  | { readonly kind: 'open'; readonly load: OpenLoad }
  | { readonly kind: 'closed'; readonly inFlight: number; readonly milliseconds: number };

/** A client in a process of its own. It compares every result with that of the same image alone. */
export class LoadClient {
  readonly #process: AskedProcess<ClientMessage>;

  private constructor(process: AskedProcess<ClientMessage>) {
    this.#process = process;
  }

  /** @param cpus those that it runs on; undefined: all. */
  static async connect(target: Target, cpus: CpuDivision['client']): Promise<LoadClient> {
    const script = new URL('client-process.ts', import.meta.url);
    const process = new AskedProcess<ClientMessage>(
      `the client of ${target.protocol}`,
      script,
      processOn(cpus),
    );
    await process.ask({ kind: 'connect', target });
    return new LoadClient(process);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** @throws Error (rejects) when an answer is wrong, or none, but not when the server has too much to do. */
  open(load: OpenLoad): Promise<LoadReport> {
    return this.#process.ask({ kind: 'open', load });
  }

  closed(inFlight: number, milliseconds: number): Promise<LoadReport> {
    return this.#process.ask({ kind: 'closed', inFlight, milliseconds });
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
