import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ServeWorkersOptions, WorkerServer } from '../../../lib/serve/index.ts';

const script = fileURLToPath(new URL('children/serve.ts', import.meta.url));

/** A server of two workers in a process of its own. */
export class TestServer implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #lines: Interface;
  url = '';
  grpcAddress: string | undefined;
  /** What it has written to stderr. */
  stderr = '';

  private constructor(options: Omit<ServeWorkersOptions, 'workers' | 'port'>) {
    const all = JSON.stringify({ workers: 2, port: 0, ...options });
    this.process = spawn(process.execPath, ['--import', 'tsx', script, all]);
    this.process.stderr!.on('data', (text) => {
      this.stderr += text;
    });
    this.#lines = createInterface(this.process.stdout!);
  }

  /** @throws Error (rejects) with what it says when it cannot start. */
  static async start(options: Omit<ServeWorkersOptions, 'workers' | 'port'>): Promise<TestServer> {
    const server = new TestServer(options);
    const ended = once(server.process, 'close').then(() => {
      throw new Error(server.stderr);
    });
    const { url, grpcAddress } = await Promise.race([server.#line(), ended]);
    server.url = url;
    server.grpcAddress = grpcAddress;
    ended.catch(() => {});
    return server;
  }

  async #line(): Promise<Pick<WorkerServer, 'url' | 'grpcAddress' | 'workers'>> {
    const [line] = await once(this.#lines, 'line');
    return JSON.parse(line);
  }

  /** The process of each worker. */
  async pids(): Promise<readonly number[]> {
    const line = this.#line();
    this.process.stdin!.write('\n');
    return (await line).workers.map(({ pid }) => pid);
  }

  /** Waits for the end of the process. */
  async exit(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
    return this.process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exit();
  }
}

/** Waits until it is so. The test's own limit ends it. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
