import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type InferenceServer, serve } from '../../../lib/serve/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { bytesOf, saveNetwork } from '../client.ts';
import { GrpcClient } from './client.ts';

/** Pino's numbers. */
const [debug, info, warn, error] = [20, 30, 40, 50];
const token = 'the-secret';
const newId = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

let folder: string;
let server: InferenceServer;
let client: GrpcClient;
let texts: string[];
const lines = (): Record<string, unknown>[] => texts.map((line) => JSON.parse(line));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-log-'));
  await saveNetwork(join(folder, 'network.octavo'));
  const stream = { write: (line: string) => texts.push(line) };
  texts = [];
  server = await serve({
    models: folder,
    port: 0,
    grpcPort: 0,
    token,
    bodyLimit: 2 ** 20,
    load: { threadsPerStream: 1, maxQueue: 0, batching: { maxBatchSize: 2, maxQueueDelay: 60_000 } },
    logger: { level: 'debug', stream },
    drainTimeout: 0,
  });
  client = new GrpcClient(server.grpcAddress!);
});
afterAll(async () => {
  client[Symbol.dispose]();
  await server.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  texts = [];
});

/** The only line, once it is there: a client may have its answer before. */
async function line(): Promise<Record<string, unknown>> {
  await expect.poll(lines).toHaveLength(1);
  return lines()[0];
}

const x = uniform([2, 3, 8, 8], -1, 1, 1);
const request = {
  model_name: 'network',
  inputs: [{ name: 'x', shape: x.shape, datatype: 'FP32' }],
  raw_input_contents: [bytesOf(x)],
};
const path = '/inference.GRPCInferenceService/ModelInfer';
const ask = (message: object, options = {}) => client.ask('ModelInfer', message, { token, ...options });

it('a call has one line that says what it was and how it was answered, and its id', async () => {
  const { code, requestId } = await ask({ ...request, id: 'of the client' }, { requestId: 'trace/1' });
  expect([code, requestId]).toEqual(['OK', 'trace/1']);
  const logged = await line();
  expect(logged).toMatchObject({
    level: info,
    msg: 'request',
    reqId: 'trace/1',
    protocol: 'grpc',
    path,
    code: 'OK',
    model: 'network',
    version: '1',
    id: 'of the client',
    ms: expect.any(Number),
  });
  // The tensors, and few bytes around them.
  expect(Number(logged.bytesIn) - x.byteLength).toBeGreaterThan(0);
  expect(Number(logged.bytesIn) - x.byteLength).toBeLessThan(100);
  expect(Number(logged.bytesOut) - 40).toBeGreaterThan(0);
  expect(texts[0]).not.toContain(token);
});

it('a call that says no id gets one', async () => {
  const { requestId } = await ask(request);
  expect(requestId).toMatch(newId);
  expect(await line()).toMatchObject({ reqId: requestId });
});

const refused: readonly [string, number, object, object][] = [
  ['INVALID_ARGUMENT', info, { ...request, inputs: [] }, {}],
  ['NOT_FOUND', info, { ...request, model_name: 'no' }, {}],
  ['UNAUTHENTICATED', info, request, { token: 'another' }],
  ['RESOURCE_EXHAUSTED', warn, { ...request, raw_input_contents: [Buffer.alloc(2 ** 20)] }, {}],
];
it.each(refused)('a call that is refused, with %s', async (code, level, message, options) => {
  const answer = await ask(message, { requestId: 'a', ...options });
  expect([answer.code, answer.requestId]).toEqual([code, 'a']);
  expect(await line()).toMatchObject({ level, msg: 'request', reqId: 'a', path, code });
  expect(texts[0]).not.toContain('another');
});

const waits = { ...request, inputs: [{ ...request.inputs[0], shape: [1, 3, 8, 8] }] };
const waiting = { ...waits, raw_input_contents: [bytesOf(x).subarray(0, x.byteLength / 2)] };

it('a call whose deadline passes', async () => {
  expect((await ask(waiting, { deadline: Date.now() + 300 })).code).toBe('DEADLINE_EXCEEDED');
  // Whoever is first: the server's timer, or the client that hangs up.
  expect(['DEADLINE_EXCEEDED', 'CANCELLED']).toContain((await line()).code);
});

it('a call whose client goes before it is answered', async () => {
  const { model } = server.repository.model('network');
  const controller = new AbortController();
  const asked = ask(waiting, { signal: controller.signal });
  await expect.poll(() => model.waiting).toBe(1);
  controller.abort();
  await asked;
  expect(await line()).toMatchObject({ msg: 'client gone', code: 'CANCELLED', model: 'network' });
});

it('a failure of the server, with its stack', async () => {
  const { model } = server.repository.model('network');
  const run = model.run.bind(model);
  model.run = () => Promise.reject(new RangeError('there is not enough memory'));
  const { code } = await ask(request);
  model.run = run;
  expect(code).toBe('INTERNAL');
  await expect.poll(lines).toHaveLength(2);
  const [failure, answered] = lines();
  expect(failure).toMatchObject({
    level: error,
    err: { stack: expect.stringContaining('not enough memory') },
  });
  expect(answered).toMatchObject({ level: error, code: 'INTERNAL', reqId: failure.reqId });
});

it.each(['ServerLive', 'Check'])('a probe, which comes often, at debug: %s', async (method) => {
  expect((await client.ask(method)).code).toBe('OK');
  expect(await line()).toMatchObject({ level: debug, code: 'OK', path: expect.stringContaining(method) });
});
