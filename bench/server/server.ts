import { AskedProcess } from '../asked-process.ts';
import { type CpuDivision, processOn } from './cpus.ts';

/** What a server's process is started with: once. */
export type ServerMessage =
  | {
      readonly kind: 'octavo';
      /** A file or a folder. */
      readonly models: string;
      readonly streams: number;
      readonly threads: number;
      /** Undefined: requests are computed one by one. */
      readonly maxBatchSize: number | undefined;
    }
  | {
      readonly kind: 'peer';
      readonly file: string;
      readonly threads: number;
      readonly shape: readonly number[];
    };

/** Where the model takes requests, by protocol. */
export type Addresses = Readonly<Record<string, string>>;

/** A server in a process of its own. */
export class BenchServer {
  readonly addresses: Addresses;
  readonly #process: AskedProcess<ServerMessage>;

  private constructor(addresses: Addresses, process: AskedProcess<ServerMessage>) {
    this.addresses = addresses;
    this.#process = process;
  }

  /** @param cpus those that it runs on; undefined: all. */
  static async start(message: ServerMessage, cpus: CpuDivision['server']): Promise<BenchServer> {
    const script = new URL('server-process.js', import.meta.url);
    const process = new AskedProcess<ServerMessage>(
      `the ${message.kind} server`,
      script,
      processOn(cpus, []),
    );
    return new BenchServer(await process.ask<Addresses>(message), process);
  }

  get pid(): number {
    return this.#process.pid;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
