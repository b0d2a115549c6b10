import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type InferenceServer, type ServeOptions, serve } from '../../../lib/serve/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { ask, bytesOf, saveNetwork } from '../client.ts';
import { GrpcClient } from './client.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
});
afterAll(() => rm(folder, { recursive: true }));

const x = uniform([1, 3, 8, 8], -1, 1, 1);
const request = {
  model_name: 'network',
  inputs: [{ name: 'x', shape: x.shape, datatype: 'FP32' }],
  raw_input_contents: [bytesOf(x)],
};
const microseconds = (timeout: number) => ({ ...request, parameters: { timeout: { int64_param: timeout } } });

/** A request waits up to a minute for others, and no second one has room. */
const waiting = { threadsPerStream: 1, maxQueue: 0, batching: { maxBatchSize: 2, maxQueueDelay: 60_000 } };

const serveWaiting = (options: Partial<ServeOptions> = {}): Promise<InferenceServer> =>
  serve({ models: folder, port: 0, grpcPort: 0, load: waiting, ...options });

/** Asks until the answer shows whether a request is in the model. */
async function untilRefused(client: GrpcClient): Promise<void> {
  while ((await client.ask('ModelInfer', microseconds(1))).code !== 'RESOURCE_EXHAUSTED');
}
async function untilFree(client: GrpcClient): Promise<void> {
  while ((await client.ask('ModelInfer', microseconds(1))).code !== 'DEADLINE_EXCEEDED');
}

it('a request that has no room is refused', async () => {
  await using server = await serveWaiting({ drainTimeout: 0 });
  using client = new GrpcClient(server.grpcAddress!);
  const controller = new AbortController();
  const first = client.ask('ModelInfer', request, { signal: controller.signal });
  await untilRefused(client);
  expect((await client.ask('ModelInfer', request)).details).toMatch(/the queue is full/);
  controller.abort();
  expect((await first).code).toBe('CANCELLED');
});

it('a request that waits is taken back when the client cancels it, and when its deadline has passed', async () => {
  await using server = await serveWaiting();
  using client = new GrpcClient(server.grpcAddress!);
  const controller = new AbortController();
  const first = client.ask('ModelInfer', request, { signal: controller.signal });
  await untilRefused(client);
  controller.abort();
  expect((await first).code).toBe('CANCELLED');
  await untilFree(client);
  expect((await client.ask('ModelInfer', request, { deadline: Date.now() + 300 })).code).toBe(
    'DEADLINE_EXCEEDED',
  );
  await untilFree(client);
});

it('a request that waits is taken back after its timeout, whichever way it came', async () => {
  await using server = await serveWaiting();
  using client = new GrpcClient(server.grpcAddress!);
  expect(await client.ask('ModelInfer', microseconds(2000))).toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    details: 'the request was not computed within its timeout of 2000 microseconds',
  });
  const body = { inputs: [{ name: 'x', shape: x.shape, datatype: 'FP32', data: x.toArray() }] };
  const late = await ask(server, '/models/network/infer', { ...body, parameters: { timeout: 2000 } });
  expect(late).toMatchObject({ status: 504, json: { error: /timeout of 2000/ } });
});

it('a shutdown waits for the answers of requests that were accepted', async () => {
  const server = await serveWaiting({ load: { ...waiting, maxQueue: 1 } });
  using client = new GrpcClient(server.grpcAddress!);
  const { model } = server.repository.model('network');
  const run = vi.spyOn(model, 'run');
  const accepted = client.ask('ModelInfer', request);
  await vi.waitUntil(() => run.mock.calls.length === 1, 30_000);
  const closed = server.close();
  while ((await client.ask('ServerLive')).code !== 'UNAVAILABLE');
  // The second request is all that the first one waits for.
  await model.run(x);
  expect((await accepted).code).toBe('OK');
  await closed;
});

it('a shutdown cuts what is left after drainTimeout', async () => {
  const server = await serveWaiting({ drainTimeout: 50 });
  using client = new GrpcClient(server.grpcAddress!);
  const accepted = client.ask('ModelInfer', request);
  await untilRefused(client);
  await server.close();
  expect(['CANCELLED', 'UNAVAILABLE']).toContain((await accepted).code);
  expect(server.repository.names).toEqual([]);
});

it('says that it is not ready before it accepts no more', async () => {
  const server = await serve({ models: folder, port: 0, grpcPort: 0, shutdownDelay: 3000 });
  using client = new GrpcClient(server.grpcAddress!);
  const healthOf = async () => (await client.ask('Check')).message.status;
  expect(await healthOf()).toBe('SERVING');
  const closed = server.close();
  expect((await client.ask('ServerReady')).message).toEqual({ ready: false });
  expect(await healthOf()).toBe('NOT_SERVING');
  expect((await client.ask('ModelInfer', request)).code).toBe('OK');
  await closed;
});

it('tells those who watch of every change, and that it is the end', async () => {
  const server = await serve({ models: folder, port: 0, grpcPort: 0 });
  using client = new GrpcClient(server.grpcAddress!);
  const [all, model] = ['', 'network'].map((service) => client.watch(service));
  const next = async (call: typeof all) => ((await once(call, 'data')) as [{ status: string }])[0].status;
  expect(await Promise.all([next(all), next(model)])).toEqual(['SERVING', 'SERVING']);
  const gone = next(model);
  await server.repository.unload('network');
  expect(await gone).toBe('SERVICE_UNKNOWN');
  const back = next(model);
  await server.repository.load('network');
  expect(await back).toBe('SERVING');
  const last = [next(all), next(model), once(all, 'end'), once(model, 'end')];
  await server.close();
  expect((await Promise.all(last)).slice(0, 2)).toEqual(['NOT_SERVING', 'NOT_SERVING']);
});

it('a port that is taken is reported, and no model stays', async () => {
  await using server = await serve({ models: folder, port: 0, grpcPort: 0 });
  const grpcPort = Number(server.grpcAddress!.split(':').at(-1));
  await expect(serve({ models: folder, port: 0, grpcPort })).rejects.toThrow(
    `the server cannot listen at 127.0.0.1:${grpcPort}: the port is taken (EADDRINUSE)`,
  );
});
