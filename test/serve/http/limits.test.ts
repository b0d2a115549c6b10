import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../../lib/runtime/index.ts';
import { type HttpLimits, type InferenceServer, serve } from '../../../lib/serve/index.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { ask, withBytes } from '../client.ts';

const MiB = 2 ** 20;
let folder: string;

/** Bytes that are answered as they are: as many as do not fit into what the kernel keeps for a socket. */
const length = 32 * MiB;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-limits-'));
  const b = new GraphBuilder();
  using model = compile(b.finish(b.call('aten.clone.default', b.input('x', [length], 'uint8'))));
  await model.save(join(folder, 'echo.octavo'));
});
afterAll(() => rm(folder, { recursive: true }));

const served = (limits: HttpLimits) => serve({ models: folder, port: 0, ...limits });

function open({ url }: InferenceServer): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname.replace(/[[\]]/g, ''));
  socket.on('error', () => {});
  return socket;
}

/** What the server answers to these bytes until it closes the connection. */
async function answerTo(server: InferenceServer, bytes: string | Uint8Array): Promise<string> {
  const socket = open(server);
  socket.write(bytes);
  return text(socket);
}

const head = (...lines: readonly string[]) =>
  ['POST /v2/models/echo/infer HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n');

const lives = async (server: InferenceServer) =>
  expect((await ask(server, '/health/live')).json).toEqual({ live: true });

describe('a client that is slow', () => {
  it.each([
    ['sends nothing', ''],
    ['sends half of a head', 'POST /v2/models/echo/infer HTTP/1.1\r\nHost: a\r\n'],
  ])('and %s is answered with 408 after headersTimeout', async (_, bytes) => {
    await using server = await served({ headersTimeout: 200, requestTimeout: 0 });
    const answer = await answerTo(server, bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('{"error":"the request took too long to arrive"}');
    await lives(server);
  });

  it('and sends half of a body, after requestTimeout', async () => {
    await using server = await served({ headersTimeout: 200, requestTimeout: 300 });
    const answer = await answerTo(server, `${head('Content-Length: 100')}{"inputs"`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    await lives(server);
  });

  it('and does not read its answer loses the connection after responseTimeout', async () => {
    await using server = await served({ responseTimeout: 300 });
    const input = { name: 'x', shape: [length], datatype: 'UINT8', parameters: { binary_data_size: length } };
    const parameters = { binary_data_output: true };
    const [body, { 'inference-header-content-length': jsonBytes }] = withBytes(
      { inputs: [input], parameters },
      new Uint8Array(length),
    );
    const socket = open(server);
    socket.write(head(`Inference-Header-Content-Length: ${jsonBytes}`, `Content-Length: ${body.length}`));
    socket.write(body);
    // What has arrived until the server gave up is read only now.
    const [first] = await once(server.app.server, 'connection');
    await once(first, 'close');
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    await once(socket, 'close');
    expect(bytes).toBeLessThan(length);
    await lives(server);
  });

  it('but reads its answer gets all of it', async () => {
    await using server = await served({ responseTimeout: 60_000 });
    const input = { name: 'x', shape: [length], datatype: 'UINT8', parameters: { binary_data_size: length } };
    const sent = new Uint8Array(length).fill(7);
    const { rest } = await ask(
      server,
      '/models/echo/infer',
      ...withBytes({ inputs: [input], parameters: { binary_data_output: true } }, sent),
    );
    expect(rest.equals(sent)).toBe(true);
  });
});

describe('a request that is too large', () => {
  it('in its head is answered with 431', async () => {
    await using server = await served({ maxHeaderSize: 1000 });
    const answer = await answerTo(server, head(`X-Long: ${'a'.repeat(1000)}`));
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('{"error":"the head of the request is too large"}');
    await lives(server);
  });

  it('in its body is answered with 413 before that has come', async () => {
    await using server = await served({ bodyLimit: MiB });
    // None of the body is sent.
    const answer = await answerTo(server, head(`Content-Length: ${MiB + 1}`));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    await lives(server);
  });

  it('is answered so instead of being asked for its body', async () => {
    await using server = await served({ bodyLimit: MiB });
    const asking = (length: number) => head('Expect: 100-continue', `Content-Length: ${length}`);
    expect(await answerTo(server, asking(MiB + 1))).toMatch(/^HTTP\/1\.1 413 /);
    const socket = open(server);
    socket.write(asking(2));
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 100 Continue\r\n/);
    socket.write('{}');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});

describe('connections', () => {
  it('beyond maxConnections are closed at once', async () => {
    await using server = await served({ maxConnections: 2 });
    const kept = [open(server), open(server)];
    for (const socket of kept) await once(socket, 'connect');
    // Both have been accepted when both have been answered.
    for (const socket of kept) {
      socket.write('GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(socket, 'data');
    }
    expect(await text(open(server))).toBe('');
    kept[0].destroy();
    await once(kept[0], 'close');
    await expect
      .poll(() => answerTo(server, 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
      .toMatch(/^HTTP\/1\.1 200 /);
    kept[1].destroy();
  });

  it('that stay without a request are closed after keepAliveTimeout', async () => {
    await using server = await served({ keepAliveTimeout: 100 });
    const answer = await answerTo(server, 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('on which no HTTP comes are answered with 400', async () => {
    await using server = await served({});
    const answer = await answerTo(server, '\u0016\u0003\u0001 not HTTP\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('{"error":"this is no request of HTTP: ');
    await lives(server);
  });
});

it.each([
  [
    { headersTimeout: 500, requestTimeout: 400 },
    'headersTimeout, 500 ms, must not be above requestTimeout, 400 ms',
  ],
  [
    { responseTimeout: 2 ** 31 },
    'responseTimeout must be a whole number from 0 to 2147483647, got 2147483648',
  ],
  [{ maxConnections: -1 }, 'maxConnections must be a whole number from 0 to'],
  [{ keepAliveTimeout: Number.NaN }, 'keepAliveTimeout must be a whole number'],
  [{ bodyLimit: '1' as never }, 'bodyLimit must be a whole number'],
])('limits that are none, or do not go together, stop the start: %o', async (limits, message) => {
  await expect(served(limits)).rejects.toThrow(message);
});
