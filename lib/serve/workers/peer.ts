import { ProtocolError } from '../errors.ts';

/** What both `process` and a cluster's worker are. */
export interface Channel {
  send?(
    message: unknown,
    handle: undefined,
    options: undefined,
    done: (error: Error | null) => void,
  ): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

/** What one process lets the other one call. Arguments and results are JSON. */
export type Calls = { readonly [name: string]: (...args: never[]) => unknown };

interface Failure {
  readonly message: string;
  readonly status?: number;
}

type Message = { readonly octavo: number } & (
  | { readonly sign: 'asked' | 'given' }
  | { readonly call: string; readonly args: readonly unknown[] }
  | { readonly result: unknown }
  | { readonly failure: Failure }
);

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** How often a process that owes an answer is asked for a sign of life, in milliseconds. */
const signInterval = 5000;
/** So many times in a row without one, and it hangs. Counted rather than timed: this process may have been stopped itself. */
const mostMissing = 6;

/** The other process at the end of a channel: its functions can be called, and it can call ours. */
export class Peer<Theirs extends Calls> {
  readonly #channel: Channel;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #gone = false;
  #watch: NodeJS.Timeout | undefined;
  #missing = 0;

  /** @param name what messages call the other process. */
  constructor(channel: Channel, name: string, ours: Calls) {
    this.#channel = channel;
    this.#name = name;
    channel.on('message', (message) => {
      if (isMessage(message)) this.#receive(message, ours);
    });
    channel.on('disconnect', () => this.#leave());
  }

  /**
   * However long it takes, if the other process lives.
   * @throws Error (rejects) that the function threw there; ProtocolError 503 if the other process has ended, or gives no sign of life for 30 s.
   */
  call<Name extends keyof Theirs & string>(
    name: Name,
    ...args: Parameters<Theirs[Name]>
  ): Promise<Awaited<ReturnType<Theirs[Name]>>> {
    return new Promise((resolve, reject) => {
      if (this.#gone) throw this.#ended();
      const id = this.#calls++;
      this.#waiting.set(id, { resolve, reject });
      this.#send({ octavo: id, call: name, args });
      this.#watch ??= setInterval(() => this.#look(), signInterval).unref();
    });
  }

  #receive(message: Message, ours: Calls): void {
    const { octavo: id } = message;
    this.#missing = 0;
    if ('sign' in message) {
      if (message.sign === 'asked') this.#send({ octavo: id, sign: 'given' });
      return;
    }
    if ('call' in message) {
      this.#answer(message, ours);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#rest();
    if ('failure' in message) waiting?.reject(errorOf(message.failure));
    else waiting?.resolve(message.result as never);
  }

  async #answer({ octavo, call, args }: Extract<Message, { call: string }>, ours: Calls): Promise<void> {
    try {
      this.#send({ octavo, result: await ours[call](...(args as never[])) });
    } catch (error) {
      const { message } = error as Error;
      const status = error instanceof ProtocolError ? { status: error.status } : {};
      this.#send({ octavo, failure: { message, ...status } });
    }
  }

  #send(message: Message): void {
    this.#channel.send?.(message, undefined, undefined, (error) => {
      if (error) this.#leave();
    });
  }

  #leave(): void {
    this.#gone = true;
    this.#fail(this.#ended);
  }

  #look(): void {
    if (++this.#missing > mostMissing)
      this.#fail(
        () =>
          new ProtocolError(
            503,
            `${this.#name} has not answered for ${(signInterval * mostMissing) / 1000} s`,
          ),
      );
    else this.#send({ octavo: 0, sign: 'asked' });
  }

  #fail(why: () => ProtocolError): void {
    for (const { reject } of this.#waiting.values()) reject(why());
    this.#waiting.clear();
    this.#rest();
  }

  /** Nobody waits. */
  #rest(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#missing = 0;
  }

  readonly #ended = () => new ProtocolError(503, `${this.#name} has ended`);
}

const isMessage = (message: unknown): message is Message =>
  typeof message === 'object' && message !== null && 'octavo' in message;

const errorOf = ({ message, status }: Failure): Error =>
  status === undefined ? new Error(message) : new ProtocolError(status, message);
