import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Sample } from './probe.ts';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** `octavo serve` in a process of its own, with a probe inside. */
export class ServedProcess {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @throws Error (rejects) when it ends before it listens. */
  static async start(...options: readonly string[]): Promise<ServedProcess> {
    // A line for each request would hide what the server has to say.
    const quiet = ['--port', '0', '--json', '--log-level', 'error'];
    const command = [pathOf('../../lib/cli/main.ts'), 'serve', ...options, ...quiet];
    const child = spawn(process.execPath, ['--import', 'tsx', '--import', pathOf('probe.ts'), ...command], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`octavo serve ended with ${code} before it listened`);
    });
    const lines = createInterface({ input: child.stdout! });
    const told = (async () => {
      let text = '';
      for await (const line of lines) {
        text += line;
        if (line === '}') return JSON.parse(text);
      }
    })();
    const { url } = await Promise.race([told, ended]);
    ended.catch(() => {});
    return new ServedProcess(child, url);
  }

  async sample(): Promise<Sample> {
    const answer = once(this.#child, 'message');
    this.#child.send('sample');
    const [sample] = await answer;
    return sample as Sample;
  }

  /** Whether it has not ended. */
  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it as an operator does, and gives its exit code. */
  async stop(): Promise<number | null> {
    if (!this.isAlive) return this.#child.exitCode;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code] = await exit;
    return code;
  }
}
