import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Question } from './questions.ts';

const gibibyte = 2 ** 30;
const piece = Buffer.alloc(64 * 2 ** 10, 32);
/** What a server may take of a body that it refuses: what lies in the buffers of both sockets. */
const mostTaken = 32 * 2 ** 20;

/** Clients that do not behave. */
export class Nuisances {
  readonly #url: URL;
  readonly #question: Question;
  readonly #aborted = new AbortController();
  readonly #open = new Set<Socket>();
  readonly counts = new Map<string, number>();
  /** What the server should not have done. */
  readonly faults = new Map<string, number>();

  /** @param url where the model takes requests. */
  constructor(url: string, question: Question) {
    this.#url = new URL(url);
    this.#question = question;
    // Many of them wait at a time.
    setMaxListeners(0, this.#aborted.signal);
  }

  /** Holds so many connections open that send nothing, in place of those that the server has closed. */
  async idle(count: number): Promise<void> {
    let open = 0;
    let peak = 0;
    while (!this.#aborted.signal.aborted) {
      for (let opened = 0; open < count && opened < 100; opened++) {
        const socket = this.#connect();
        open++;
        socket.once('close', () => open--);
      }
      peak = Math.max(peak, open);
      this.counts.set('idle connections', peak);
      await this.#pause(50);
    }
  }

  /** One after the other, by chance, until they are stopped. */
  async roam(pauseMilliseconds: number): Promise<void> {
    const ways = Object.entries(this.#ways);
    while (!this.#aborted.signal.aborted) {
      const [name, way] = ways[Math.floor(Math.random() * ways.length)];
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      way().catch((error: Error) => {
        if (!this.#aborted.signal.aborted)
          this.faults.set(error.message, (this.faults.get(error.message) ?? 0) + 1);
      });
      await this.#pause(pauseMilliseconds);
    }
  }

  stop(): void {
    this.#aborted.abort();
    for (const socket of this.#open) socket.destroy();
  }

  readonly #ways: Readonly<Record<string, () => Promise<void>>> = {
    'hung up': async () => {
      const socket = this.#connect();
      socket.write(this.#head(this.#question.body.length));
      socket.write(this.#question.body);
      await this.#pause(50 * Math.random());
      socket.destroy();
    },
    garbage: async () => {
      const socket = this.#connect();
      socket.write(randomBytes(1 + Math.floor(2000 * Math.random())));
      socket.setTimeout(30_000, () => socket.destroy());
      await new Promise((resolve) => socket.once('close', resolve));
    },
    'half a body': async () => {
      const socket = this.#connect();
      socket.write(this.#head(this.#question.body.length));
      socket.write(this.#question.body.subarray(0, this.#question.body.length / 2));
      await this.#pause(2000);
      socket.destroy();
    },
    '1 GiB, declared': () => this.#refused('declared', this.#head(gibibyte), (bytes) => [bytes]),
    '1 GiB, in chunks': () =>
      this.#refused('in chunks', this.#head('chunks'), (bytes) => [
        Buffer.from(`${bytes.length.toString(16)}\r\n`),
        bytes,
        Buffer.from('\r\n'),
      ]),
    'byte by byte': async () => {
      const socket = this.#connect();
      for (const byte of this.#head(100).toString()) {
        if (socket.destroyed) return;
        socket.write(byte);
        await this.#pause(1000);
      }
    },
  };

  /** Sends a body of 1 GiB until the server refuses it, which must be soon. */
  async #refused(how: string, head: Buffer, framed: (bytes: Buffer) => readonly Buffer[]): Promise<void> {
    const socket = this.#connect();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    socket.write(head);
    while (!socket.destroyed && socket.bytesWritten < gibibyte) {
      const isFull = framed(piece)
        .map((bytes) => socket.write(bytes))
        .includes(false);
      const drained = () => new Promise((resolve) => socket.once('drain', resolve));
      if (isFull) await Promise.race([drained(), closed]);
    }
    const limit = 64 * 2 ** 20 + mostTaken;
    if (socket.bytesWritten > (how === 'declared' ? mostTaken : limit))
      throw new Error(`a body of 1 GiB, ${how}, is read to ${Math.round(socket.bytesWritten / 2 ** 20)} MiB`);
    if (answer !== '' && !answer.startsWith('HTTP/1.1 413'))
      throw new Error(`1 GiB, ${how}: ${answer.slice(0, 200)}`);
  }

  #connect(): Socket {
    const { hostname, port } = this.#url;
    const socket = connect({ host: hostname.replace(/[[\]]/g, ''), port: Number(port) });
    this.#open.add(socket);
    // The server cuts these connections: that is what it should do.
    socket.on('error', () => {});
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  }

  #head(length: number | 'chunks'): Buffer {
    const { 'content-length': _, ...headers } = this.#question.headers;
    const size = length === 'chunks' ? 'transfer-encoding: chunked' : `content-length: ${length}`;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const { pathname, host } = this.#url;
    return Buffer.from([`POST ${pathname} HTTP/1.1`, `host: ${host}`, size, ...lines, '', ''].join('\r\n'));
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#aborted.signal }).catch(() => {});
  }
}
