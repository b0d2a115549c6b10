import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { ModelRepository, serve } from '../../lib/serve/index.ts';
import { saveNetwork } from './client.ts';

let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  file = join(folder, 'network.octavo');
  await saveNetwork(file);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rm(folder, { recursive: true }));

it('localhost is one address', async () => {
  // As on machines that have 127.0.0.1 and ::1; all of 127.0.0.0/8 is this machine.
  const both = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  const lookup = dns.lookup as (...args: unknown[]) => void;
  vi.spyOn(dns, 'lookup').mockImplementation(((...args: unknown[]) => {
    const [host, , done] = args;
    if (host === 'localhost' && typeof done === 'function') done(null, both);
    else lookup(...args);
  }) as never);
  await using server = await serve({ models: file, port: 0 });
  expect(server.app.addresses()).toHaveLength(1);
});

it('a client that sends half of a request does not outlive drainTimeout', async () => {
  const server = await serve({ models: file, port: 0, drainTimeout: 100 });
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname.replace(/[[\]]/g, ''));
  socket.on('error', () => {});
  const cut = once(socket, 'close');
  socket.write('POST /v2/models/network/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"inputs"');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const began = performance.now();
  await Promise.all([server.close(), server.close()]);
  await cut;
  // Without the cut, fastify waits for it for minutes.
  expect(performance.now() - began).toBeLessThan(5000);
});

it('connections on which nothing was asked do not hold the end up', async () => {
  // As browsers open them in advance.
  const server = await serve({ models: file, port: 0, drainTimeout: 60_000 });
  const { port, hostname } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const cut = once(socket, 'close');
  await once(server.app.server, 'connection');
  const began = performance.now();
  await server.close();
  await cut;
  expect(performance.now() - began).toBeLessThan(30_000);
});

it('a port that is taken is reported at once, and no model stays', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const open = vi.spyOn(ModelRepository, 'open');
  const began = performance.now();
  const failed = serve({ models: file, host: '127.0.0.1', port, shutdownDelay: 60_000 });
  await expect(failed).rejects.toThrow('EADDRINUSE');
  expect(performance.now() - began).toBeLessThan(10_000);
  expect((await open.mock.results[0].value).names).toEqual([]);
  other.close();
});

it('models are freed even if the app does not close', async () => {
  const server = await serve({ models: file, port: 0, drainTimeout: 60_000 });
  const close = server.app.close.bind(server.app);
  server.app.close = (async () => {
    await close();
    throw new Error('a plugin failed');
  }) as unknown as typeof server.app.close;
  await expect(server.close()).rejects.toThrow('a plugin failed');
  expect(server.repository.names).toEqual([]);
});
