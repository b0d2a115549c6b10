import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type InferenceServer, serve } from '../../lib/serve/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { ask, saveNetwork } from './client.ts';

const x = uniform([1, 3, 8, 8], -1, 1, 1);
let folder: string;
let server: InferenceServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
  // A request waits for a second one.
  const batching = { maxBatchSize: 2, maxQueueDelay: 60_000 };
  server = await serve({
    models: folder,
    port: 0,
    load: { batching, streams: 1, threadsPerStream: 1, maxQueue: 1 },
  });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const infer = (parameters: object) =>
  ask(server, '/models/network/infer', {
    inputs: [{ name: 'x', shape: x.shape, datatype: 'FP32', data: x.toArray() }],
    parameters,
  });

it('a request that waits longer than its timeout is taken back', async () => {
  // The queue has room for two requests at a time, so those that are answered have left it.
  for (const timeout of [1, 999, 20_000]) {
    const { status, json } = await infer({ timeout });
    expect(json).toEqual({
      error: `the request was not computed within its timeout of ${timeout} microseconds`,
    });
    expect(status).toBe(504);
  }
});

it('a timeout that is not reached changes nothing, and 0 is none', async () => {
  for (const timeout of [60e6, Number.MAX_SAFE_INTEGER, 0]) {
    const answers = await Promise.all([infer({ timeout }), infer({})]);
    for (const { status } of answers) expect(status).toBe(200);
    expect(answers[0].json).toEqual(answers[1].json);
  }
});

it.each([-1, 0.5, '5', 1e300, null, [1]])('%j is no timeout', async (timeout) => {
  const { status, json } = await infer({ timeout });
  expect(json.error).toMatch(/^parameters.timeout must be a whole number from 0 to 9007199254740991, got /);
  expect(status).toBe(400);
});
