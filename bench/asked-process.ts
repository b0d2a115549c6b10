import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a process answers to a message: a result, or what went wrong. */
type Reply = { readonly result: unknown } | { readonly error: string };

/** A process that works only while it is asked to: it answers one message at a time. */
export class AskedProcess<Message extends object> {
  readonly #name: string;
  readonly #process: ChildProcess;

  /** @param name for messages of what went wrong. */
  constructor(name: string, script: URL, options: ForkOptions = {}) {
    this.#name = name;
    this.#process = fork(fileURLToPath(script), options);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** @throws Error (rejects) with what the process says went wrong, or that it ended. */
  async ask<Result>(message: Message): Promise<Result> {
    const answer = new Promise<Reply>((resolve, reject) => {
      const onExit = (code: number | null) => reject(new Error(`${this.#name} ended with code ${code}`));
      this.#process.once('exit', onExit);
      this.#process.once('message', (reply: Reply) => {
        this.#process.off('exit', onExit);
        resolve(reply);
      });
    });
    this.#process.send(message);
    const reply = await answer;
    if ('error' in reply) throw new Error(`${this.#name}: ${reply.error}`);
    return reply.result as Result;
  }

  /** Lets it end: nothing is asked of it any more. */
  async stop(): Promise<void> {
    if (!this.#process.connected) return;
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }
}

/** The other side of it. */
export function answerMessages<Message>(answer: (message: Message) => Promise<unknown>): void {
  process.on('message', (message: Message) => {
    answer(message).then(
      (result) => process.send!({ result }),
      (error: Error) => process.send!({ error: error.message }),
    );
  });
}
