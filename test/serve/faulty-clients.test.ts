import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fastify from 'fastify';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { closed } from '../../fuzz/closed.ts';
import { compile } from '../../lib/runtime/index.ts';
import { type InferenceServer, openInference, serve } from '../../lib/serve/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { slowNet } from '../support/models.ts';
import { ask, bytesOf, withBytes } from './client.ts';

const x = uniform([1, 16, 64, 64], -1, 1, 1);
const input = { name: 'x', shape: x.shape, datatype: 'FP32', parameters: { binary_data_size: x.byteLength } };
const [body, headers] = withBytes({ inputs: [input], parameters: { binary_data_output: true } }, bytesOf(x));

let folder: string;
let server: InferenceServer;
const sockets: Socket[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  using model = compile(slowNet(12));
  await model.save(join(folder, 'slow.octavo'));
  // One runs, three wait.
  const load = { streams: 1, threadsPerStream: 1, maxQueue: 3 };
  server = await serve({ models: folder, port: 0, load, bodyLimit: 2 ** 20 });
  await ask(server, '/models/slow/infer', body, headers);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

function connected(): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname.replace(/[[\]]/g, ''), port: Number(port) });
  // A server may cut a connection while the client writes.
  socket.on('error', () => {});
  sockets.push(socket);
  return socket;
}

const headOf = (...lines: readonly string[]) =>
  ['POST /v2/models/slow/infer HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n');

const infer = () => ask(server, '/models/slow/infer', body, headers);

it('those that hang up make room in the queue', async () => {
  const { model } = server.repository.model('slow');
  const many = uniform([64, 16, 64, 64], -1, 1, 1);
  await model.warmup(many.shape);
  let isOver = false;
  // One that runs long and one that is next: what comes over the network is not begun.
  const urgent = async () => {
    while (!isOver) await model.run(many, { priority: 0 });
  };
  const busy = Promise.all([urgent(), urgent()]);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const whole = Buffer.concat([Buffer.from(headOf(`Content-Length: ${body.length}`, ...lines)), body]);
  const waiting = Array.from({ length: 3 }, connected);
  try {
    const full = Promise.race(waiting.map(async (socket) => String(await once(socket, 'data'))));
    for (const socket of waiting) socket.write(whole);
    expect(await full).toMatch(/^HTTP\/1.1 429 /);
    for (const socket of waiting) socket.destroy();
    // One that is let in has no answer as long as urgent ones come.
    await vi.waitFor(
      async () => expect(await Promise.race([infer(), sleep(1000)])).not.toMatchObject({ status: 429 }),
      {
        timeout: 30_000,
      },
    );
  } finally {
    isOver = true;
    await busy;
  }
  expect((await infer()).status).toBe(200);
}, 60_000);

it('one that has gone while a hook waited is not computed for', async () => {
  const app = fastify();
  app.addHook('preHandler', async (_request, { raw }) => {
    if (!raw.closed) await once(raw, 'close');
  });
  const { repository } = server;
  await app.register(openInference, { repository });
  const url = new URL(await app.listen({ port: 0 }));
  const { statistics } = repository.model('slow');
  const before = statistics.failures.CANCELED.count;
  const socket = connect(Number(url.port), url.hostname).on('error', () => {});
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(Buffer.concat([Buffer.from(headOf(`Content-Length: ${body.length}`, ...lines)), body]));
  await once(app.server, 'request');
  socket.destroy();
  await expect.poll(() => statistics.failures.CANCELED.count).toBe(before + 1);
  await app.close();
});

it('a body of 1 GiB is refused before it is sent', async () => {
  const socket = connected();
  socket.write(headOf(`Content-Length: ${2 ** 30}`));
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 413 [\s\S]*\r\n\r\n\{"error":".*too large.*"\}$/i);
  await closed(socket);
});

it('a body that does not say how long it is, is refused when it is too long', async () => {
  const socket = connected();
  socket.write(headOf('Transfer-Encoding: chunked'));
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(2 ** 16, 32), Buffer.from('\r\n')]);
  const answer = once(socket, 'data');
  // As many as the limit of 1 MiB has room for: until then nothing is wrong.
  for (let sent = 0; sent < 16; sent++) socket.write(chunk);
  socket.write(chunk);
  expect(String((await answer)[0])).toMatch(/^HTTP\/1.1 413 [\s\S]*\r\n\r\n\{"error":".*too large.*"\}$/i);
  await closed(socket);
});

it('a thousand that say nothing, or never finish, keep nobody from being served', async () => {
  const silent = Array.from({ length: 1000 }, connected);
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  for (const socket of silent.slice(0, 200)) socket.write(headOf(`Content-Length: ${body.length}`));
  for (const socket of silent.slice(200, 400)) socket.write('POST /v2/models/sl');
  for (let i = 0; i < 10; i++) expect((await infer()).status).toBe(200);
  expect(silent.filter(({ closed }) => closed)).toEqual([]);
}, 60_000);
