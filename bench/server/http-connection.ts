import { connect, type Socket } from 'node:net';

/** An answer to a request over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

const endOfHead = Buffer.from('\r\n\r\n');

/**
 * A connection that is kept, with one request at a time, which is sent as the bytes it is given as. It reads no more of HTTP than an
 * answer with a Content-Length has: a client that shares the machine with the server must cost little.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #length = 0;
  /** Of the answer, once its head is there. */
  #whole = Number.POSITIVE_INFINITY;
  #bodyAt = 0;
  #asked: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;

  constructor({ hostname, port }: URL) {
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('data', (chunk) => {
      try {
        this.#receive(chunk);
      } catch (error) {
        this.#socket.destroy(error as Error);
      }
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server has closed the connection')));
  }

  /** @throws Error (rejects) when the connection ends before the answer, or it is none of HTTP/1.1 with a Content-Length. */
  ask(request: Buffer): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#asked?.reject(error);
    this.#asked = undefined;
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#length += chunk.length;
    if (this.#whole === Number.POSITIVE_INFINITY) this.#readHead();
    if (this.#length < this.#whole) return;
    const bytes = joined(this.#received);
    const answer = { status: Number(bytes.toString('latin1', 9, 12)), body: bytes.subarray(this.#bodyAt) };
    const { resolve } = this.#asked!;
    this.#asked = undefined;
    this.#received = [];
    this.#length = 0;
    this.#whole = Number.POSITIVE_INFINITY;
    resolve(answer);
  }

  #readHead(): void {
    const bytes = joined(this.#received);
    const end = bytes.indexOf(endOfHead);
    if (end < 0) return;
    const head = bytes.toString('latin1', 0, end);
    const length = /^content-length: *(\d+)\r?$/im.exec(head);
    if (!head.startsWith('HTTP/1.1 ') || !length)
      throw new Error(`expected an answer of HTTP/1.1 with a Content-Length, got ${JSON.stringify(head)}`);
    this.#bodyAt = end + endOfHead.length;
    this.#whole = this.#bodyAt + Number(length[1]);
  }
}

const joined = (chunks: readonly Buffer[]): Buffer =>
  chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);

/** As many connections to a server as there are requests under way. */
export class HttpConnections {
  readonly #url: URL;
  readonly #all: HttpConnection[] = [];
  readonly #idle: HttpConnection[] = [];

  constructor(url: URL) {
    this.#url = url;
  }

  async ask(request: Buffer): Promise<HttpAnswer> {
    const connection = this.#idle.pop() ?? this.#open();
    const answer = await connection.ask(request);
    this.#idle.push(connection);
    return answer;
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  #open(): HttpConnection {
    const connection = new HttpConnection(this.#url);
    this.#all.push(connection);
    return connection;
  }
}
