import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import fastify, { type FastifyRequest } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyMemory } from '../../lib/serve/rest/body-memory.ts';
import { readBody } from '../../lib/serve/rest/read-body.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A server that reads bodies, gives their memory back, and answers with where they lay and their bytes. */
async function echo(memory: BodyMemory, bodyLimit = 4 * 2 ** 20) {
  const app = fastify({ bodyLimit });
  cleanups.push(() => app.close());
  app.addContentTypeParser('*', (request: FastifyRequest, payload: NodeJS.ReadableStream) =>
    readBody(request, payload, Number(request.headers['x-json-bytes']), memory),
  );
  app.post<{ Body: Buffer }>('/', async ({ body }, reply) => {
    reply.header('x-offset', body.byteOffset).type('application/octet-stream');
    const answer = Buffer.from(body);
    memory.giveBack(body);
    return answer;
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return async (body: Uint8Array | ReadableStream, headers: Record<string, string> = {}) => {
    const type = { 'content-type': 'application/octet-stream', ...headers };
    const response = await fetch(url, { method: 'POST', body, headers: type, duplex: 'half' } as RequestInit);
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, bytes, offset: Number(response.headers.get('x-offset')), url };
  };
}

const bodyOf = (length: number, seed: number) =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed) % 251));

describe('a body', () => {
  it('is read whole, into new memory and into memory that others have used', async () => {
    const ask = await echo(new BodyMemory());
    for (const [seed, length] of [200_000, 210_000, 199_999, 0, 1, 70_000, 1_000_000].entries()) {
      const body = bodyOf(length, seed);
      const { status, bytes } = await ask(body);
      expect([length, status, bytes.equals(body)]).toEqual([length, 200, true]);
    }
  });

  it.each([0, 1, 131, 200])('lies so that what follows %d bytes is aligned', async (jsonBytes) => {
    const ask = await echo(new BodyMemory());
    // Small ones, new memory, and memory that others have used.
    for (const length of [1000, 200_000, 200_000]) {
      const body = bodyOf(length, jsonBytes);
      const { bytes, offset } = await ask(body, { 'x-json-bytes': String(jsonBytes) });
      expect(bytes.equals(body)).toBe(true);
      expect((offset + jsonBytes) % 8).toBe(0);
    }
  });

  it('may come in chunks of unknown number', async () => {
    const memory = new BodyMemory();
    const ask = await echo(memory);
    const body = bodyOf(300_000, 3);
    const pieces = [body.subarray(0, 7), body.subarray(7, 250_000), body.subarray(250_000)];
    const { bytes } = await ask(new Blob(pieces).stream());
    expect(bytes.equals(body)).toBe(true);
  });

  it('that is larger than allowed is refused, whether its length was said or not', async () => {
    const ask = await echo(new BodyMemory(), 100_000);
    expect((await ask(bodyOf(100_000, 1))).status).toBe(200);
    expect((await ask(bodyOf(100_001, 1))).status).toBe(413);
    const { status, bytes } = await ask(new Blob([bodyOf(100_001, 1)]).stream());
    expect([status, JSON.parse(bytes.toString()).message]).toEqual([413, 'Request body is too large']);
  });

  it('that has come already is read in many turns of the event loop, so that others have theirs', async () => {
    const body = bodyOf(2 ** 20, 5);
    const payload = new Readable({ read() {} });
    for (let at = 0; at < body.length; at += 2 ** 16) payload.push(body.subarray(at, at + 2 ** 16));
    payload.push(null);
    let turns = 0;
    let isRead = false;
    const count = () => {
      turns++;
      if (!isRead) setImmediate(count);
    };
    setImmediate(count);
    const request = { routeOptions: { bodyLimit: body.length }, headers: {} } as unknown as FastifyRequest;
    const whole = await readBody(request, payload, Number.NaN, new BodyMemory());
    isRead = true;
    expect(whole.equals(body)).toBe(true);
    expect(turns).toBeGreaterThanOrEqual(15);
  });

  it('that does not come whole gives its memory back', async () => {
    const memory = new BodyMemory();
    const ask = await echo(memory);
    const { url } = await ask(bodyOf(200_000, 1));
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 200000\r\n\r\nhalf');
    // The idle memory is lent when the body's reading begins, and idle again when the client has gone.
    const isLent = () => {
      const idle = memory.lendIdle(200_000);
      if (idle) memory.giveBack(idle);
      return !idle;
    };
    await expect.poll(isLent, { timeout: 20_000 }).toBe(true);
    socket.destroy();
    await once(socket, 'close');
    await expect.poll(isLent, { timeout: 20_000 }).toBe(false);
  });
});
