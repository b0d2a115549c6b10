import { otherLoad, snapshot } from '../machine.ts';
import { LoadClient } from './client.ts';
import type { Contender } from './contender.ts';
import { type CpuTime, cpuTimeOf, since } from './cpu-time.ts';
import type { CpuDivision } from './cpus.ts';
import type { LoadReport } from './load-report.ts';
import type { OpenLoad } from './offer-load.ts';
import { BenchServer } from './server.ts';

/** A load, and what it cost. */
export interface Turn {
  readonly report: LoadReport;
  /** For each result, in milliseconds. */
  readonly serverCpu: CpuTime;
  readonly clientCpuMs: number;
  /** Cores kept busy by others than the server and the client. */
  readonly otherLoad: number;
}

/** What a server is asked with. */
export interface Question {
  /** The model's input. */
  readonly input: string;
  /** Of one request. */
  readonly shape: readonly number[];
  readonly cpus: CpuDivision;
}

/** A server and its client. */
export class Match implements AsyncDisposable {
  readonly #server: BenchServer;
  readonly #client: LoadClient;

  private constructor(server: BenchServer, client: LoadClient) {
    this.#server = server;
    this.#client = client;
  }

  static async start(
    { server: message, protocol }: Contender,
    { input, shape, cpus }: Question,
  ): Promise<Match> {
    const server = await BenchServer.start(message, cpus.server);
    try {
      const url = server.addresses[protocol];
      return new Match(server, await LoadClient.connect({ protocol, url, input, shape }, cpus.client));
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  closed(inFlight: number, milliseconds: number): Promise<Turn> {
    return this.#turn(() => this.#client.closed(inFlight, milliseconds));
  }

  open(load: OpenLoad): Promise<Turn> {
    return this.#turn(() => this.#client.open(load));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.stop();
    await this.#server.stop();
  }

  async #turn(load: () => Promise<LoadReport>): Promise<Turn> {
    const pids = [this.#server.pid, this.#client.pid];
    const before = snapshot(pids);
    const cpuBefore = pids.map(cpuTimeOf);
    const report = await load();
    const [server, client] = pids.map((pid, i) => since(cpuBefore[i], cpuTimeOf(pid)));
    const each = (milliseconds: number) => milliseconds / report.answered;
    return {
      report,
      serverCpu: { eventLoop: each(server.eventLoop), others: each(server.others) },
      clientCpuMs: each(client.eventLoop + client.others),
      otherLoad: otherLoad(before, snapshot(pids)),
    };
  }
}
