import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { closed } from '../closed.ts';
import type { Call } from './problem.ts';

/** What a call was answered with. */
export interface Answer {
  /** `grpc-status`; undefined where the server has answered nothing, or not as gRPC does. */
  readonly status: number | undefined;
  readonly details: string;
  readonly data: Buffer;
}

const usual = {
  ':method': 'POST',
  ':path': '/inference.GRPCInferenceService/ModelInfer',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** Calls over connections that are as they should be; a new one where the server has ended the last. */
export class Caller {
  readonly #address: string;
  #session: ClientHttp2Session | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  async call({ headers, pieces, isReset }: Call): Promise<Answer> {
    const stream = this.#connected().request({ ...usual, ...headers }, { endStream: false });
    const data: Buffer[] = [];
    let told: Record<string, unknown> = {};
    const tell = (received: object) => {
      told = { ...told, ...received };
    };
    stream.on('response', tell).on('trailers', tell);
    stream.on('data', (bytes: Buffer) => data.push(bytes));
    // A stream that the server resets has no status.
    stream.on('error', () => {});
    const end = closed(stream);
    for (const piece of pieces) {
      stream.write(piece);
      await sleep(0);
    }
    if (isReset) stream.close(constants.NGHTTP2_CANCEL);
    else stream.end();
    await end;
    const status = told['grpc-status'];
    return {
      status: status === undefined ? undefined : Number(status),
      details: decodeURIComponent(String(told['grpc-message'] ?? '')),
      data: Buffer.concat(data),
    };
  }

  #connected(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    this.#session = connect(`http://${this.#address}`);
    this.#session.on('error', () => {});
    return this.#session;
  }
}

/** How long nothing comes until the client ends a connection. */
const quietMilliseconds = 20;

/** Writes bytes to a connection of their own, and reads what comes. @param isAnswered when enough has come. */
export async function exchange(
  address: string,
  bytes: Buffer,
  isAnswered: (received: Buffer) => boolean,
): Promise<Buffer> {
  const [host, port] = address.split(':');
  const socket = connectSocket({ host, port: Number(port), noDelay: true });
  const end = closed(socket);
  const received: Buffer[] = [];
  socket.on('data', (piece: Buffer) => received.push(piece));
  // The server may close while the client still writes.
  socket.on('error', () => {});
  socket.write(bytes);
  for (
    let seen = -1;
    !socket.closed && (seen !== received.length || !isAnswered(Buffer.concat(received)));
  ) {
    seen = received.length;
    await Promise.race([end, sleep(quietMilliseconds)]);
  }
  // The server would keep what has only been ended.
  socket.destroy();
  return Buffer.concat(received);
}
