import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../../lib/runtime/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { saveNetwork } from '../client.ts';
import { GrpcClient } from '../grpc/client.ts';
import { isAlive, TestServer, until } from './worker-server.ts';

let folder: string;
let models: string;
const x = uniform([1, 3, 8, 8], -1, 1, 1);
let expected: readonly number[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-workers-'));
  models = join(folder, 'network.octavo');
  await saveNetwork(models);
  using model = await loadModel(models);
  expected = Object.values(await model.run(x))[0].toArray() as number[];
});
afterAll(() => rm(folder, { recursive: true }));

const open = (url: string): Socket => {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname).on('error', () => {});
};

/** On a connection of its own: workers are chosen by connection. */
const get = (url: string) => fetch(url, { headers: { connection: 'close' } });

const body = JSON.stringify({
  inputs: [{ name: 'x', shape: x.shape, datatype: 'FP32', data: x.toArray() }],
});

/** Asks until there is an answer: a client whose connection breaks opens another one. */
async function infer(url: string): Promise<void> {
  while (true) {
    const response = await fetch(`${url}/v2/models/network/infer`, {
      method: 'POST',
      headers: { connection: 'close' },
      body,
    }).catch(() => undefined);
    if (!response) {
      await setTimeout(20);
      continue;
    }
    expect(response.status).toBe(200);
    const { outputs } = (await response.json()) as { outputs: { data: number[] }[] };
    expect(outputs[0].data).toHaveLength(expected.length);
    // One thread or two add up in another order.
    for (const [i, value] of outputs[0].data.entries()) expect(value).toBeCloseTo(expected[i], 5);
    return;
  }
}

/** How many connections to a port each process holds, as the kernel tells. */
function connectionsOf(pids: readonly number[], port: number): readonly number[] {
  const established = '01';
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => address?.endsWith(local) && state === established)
    .map((fields) => `socket:[${fields[9]}]`);
  return pids.map((pid) => {
    const files = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
    return files.filter((file) => file !== undefined && inodes.includes(file)).length;
  });
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // it was closed meanwhile
  }
}

// Three processes compile their sources in each of these.
describe('several workers', { timeout: 180_000 }, () => {
  it('share the connections, and each has CPUs of its own', async () => {
    await using server = await TestServer.start({ models, host: '127.0.0.1' });
    const pids = await server.pids();
    expect(new Set(pids).size).toBe(2);
    const cpus = pids.map((pid) =>
      readdirSync(`/proc/${pid}/task`).map(
        (task) =>
          /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'))?.[1],
      ),
    );
    expect(cpus.map((lists) => new Set(lists).size)).toEqual([1, 1]);
    expect(cpus[0][0]).not.toBe(cpus[1][0]);

    const sockets = Array.from({ length: 8 }, () => open(server.url));
    const port = Number(new URL(server.url).port);
    const all = () => connectionsOf(pids, port).reduce((sum, count) => sum + count);
    await until(() => all() === 8);
    expect(Math.min(...connectionsOf(pids, port))).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
  });

  it('go on when one of them is killed, and it comes back', async () => {
    await using server = await TestServer.start({ models });
    const before = await server.pids();
    let isOver = false;
    let answers = 0;
    const clients = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        await infer(server.url);
        answers++;
      }
    });
    await until(() => answers > 10);
    process.kill(before[0], 'SIGKILL');
    await until(() => !isAlive(before[0]));
    const then = answers;
    await until(() => answers > then + 20);
    await until(async () => (await server.pids())[0] !== before[0]);
    const [first, second] = await server.pids();
    expect(second).toBe(before[1]);
    expect(server.stderr).toContain(`worker 1 (pid ${before[0]}) was ended by SIGKILL; another one takes`);
    // The new one is alone when the other one is gone, too.
    process.kill(second, 'SIGKILL');
    const later = answers;
    await until(() => answers > later + 20);
    expect(isAlive(first)).toBe(true);
    isOver = true;
    await Promise.all(clients);
  });

  it('break a connection that a killed worker had not accepted yet, rather than to let its client wait', async () => {
    await using server = await TestServer.start({ models });
    const [first] = await server.pids();
    process.kill(first, 'SIGSTOP');
    const sockets = [open(server.url), open(server.url)];
    // In turn: one of them is the stopped worker's.
    const closed = Promise.race(sockets.map((socket) => once(socket, 'close')));
    await Promise.all(sockets.map((socket) => socket.readyState === 'open' || once(socket, 'connect')));
    await infer(server.url);
    process.kill(first, 'SIGKILL');
    await closed;
    for (const socket of sockets) socket.destroy();
  });

  it('answer what they have accepted after SIGTERM, and end with 0', async () => {
    await using server = await TestServer.start({ models });
    const pids = await server.pids();
    const requests = Array.from({ length: 8 }, () => {
      // The answer 100 says that a worker has the request.
      const headers = { 'content-length': Buffer.byteLength(body), expect: '100-continue' };
      const request = httpRequest(`${server.url}/v2/models/network/infer`, {
        method: 'POST',
        headers,
        agent: false,
      });
      request.flushHeaders();
      return { request, accepted: once(request, 'continue'), answered: once(request, 'response') };
    });
    await Promise.all(requests.map(({ accepted }) => accepted));
    server.process.kill('SIGTERM');
    // Until no worker accepts connections any more. One that comes while they stop may wait for a worker in vain, until all have ended.
    const knock = () =>
      fetch(server.url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2000) });
    await until(() =>
      knock().then(
        () => false,
        () => true,
      ),
    );
    for (const { request } of requests) request.end(body);
    for (const { answered } of requests) {
      const [response] = await answered;
      expect(response.statusCode).toBe(200);
      response.resume();
    }
    expect(await server.exit()).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(server.stderr).toBe('');
  });

  it('say that they are not ready after SIGTERM, and serve on for the time that they are given', async () => {
    await using server = await TestServer.start({ models, shutdownDelay: 600_000 });
    server.process.kill('SIGTERM');
    for (const _ of await server.pids())
      await until(async () => (await get(`${server.url}/v2/health/ready`)).status === 503);
    await infer(server.url);
  });

  it('speak gRPC at one port, too', async () => {
    await using server = await TestServer.start({ models, grpcPort: 0 });
    using client = new GrpcClient(server.grpcAddress!);
    const ready = () => client.ask('ModelReady', { name: 'network' });
    expect((await ready()).message).toMatchObject({ ready: true });
    // Whichever worker has the connection, the other one answers after its end.
    for (const pid of await server.pids()) {
      process.kill(pid, 'SIGKILL');
      await until(async () => (await ready()).message?.ready === true);
      await until(async () => !(await server.pids()).includes(pid));
      await infer(server.url);
    }
    server.process.kill('SIGTERM');
    expect(await server.exit()).toBe(0);
  });

  it('end when the process that started them is killed', async () => {
    await using server = await TestServer.start({ models });
    const pids = await server.pids();
    server.process.kill('SIGKILL');
    await until(() => !pids.some(isAlive));
  });

  it('are given up when one of them cannot be started again', async () => {
    const gone = join(folder, 'gone.octavo');
    await saveNetwork(gone);
    await using server = await TestServer.start({ models: gone });
    const pids = await server.pids();
    await rename(gone, join(folder, 'elsewhere'));
    process.kill(pids[0], 'SIGKILL');
    expect(await server.exit()).toBe(1);
    expect(server.stderr).toMatch(/another one takes its place in 4000 ms/);
    expect(server.stderr).toMatch(
      /Error: worker 1 \(pid \d+\) there are no models to serve at .* \(ENOENT\)/,
    );
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('do not start with a model that cannot be loaded, or a port that is taken', async () => {
    await expect(TestServer.start({ models: join(folder, 'none') })).rejects.toThrow(
      /worker \d \(pid \d+\) there are no models to serve at .* \(ENOENT\)/,
    );
    await using server = await TestServer.start({ models });
    const port = Number(new URL(server.url).port);
    await expect(TestServer.start({ models, port } as { models: string })).rejects.toThrow('EADDRINUSE');
    await infer(server.url);
  });
});
