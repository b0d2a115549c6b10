import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type InferenceServer, serve } from '../../lib/serve/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { ask, bytesOf, saveNetwork, withBytes } from './client.ts';

let folder: string;
let server: InferenceServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
  server = await serve({ models: folder, port: 0, modelControl: 'explicit' });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const x = uniform([1, 3, 8, 8], -1, 1, 1);
const input = { name: 'x', shape: x.shape, datatype: 'FP32', data: x.toArray() };
const infer = (body: unknown, headers?: Record<string, string>) =>
  ask(server, '/models/network/infer', body, headers);

it('null is as good as nothing, as clients write it that write all fields', async () => {
  const nulls = { id: null, parameters: null, outputs: null };
  const plain = await infer({ inputs: [input] });
  expect(await infer({ ...nulls, inputs: [{ ...input, parameters: null }] })).toEqual(plain);
  expect(await infer({ inputs: [{ ...input, parameters: { binary_data_size: null } }] })).toEqual(plain);
  const parameters = { binary_data_size: x.byteLength, shared_memory_region: null };
  const inBytes = { ...nulls, inputs: [{ ...input, data: null, parameters }] };
  expect((await infer(...withBytes(inBytes, bytesOf(x)))).json).toEqual(plain.json);
});

it('ignores parameters that are not known', async () => {
  const known = await infer({ inputs: [input] });
  const body = { inputs: [{ ...input, parameters: { a: 1 } }], parameters: { sequence_id: 5, b: true } };
  expect(await infer(body)).toEqual(known);
});

it.each([
  ['ranked classes', { outputs: [{ name: 'linear_default', parameters: { classification: 3 } }] }],
  [
    'an output in shared memory',
    { outputs: [{ name: 'linear_default', parameters: { shared_memory_region: 'a' } }] },
  ],
  [
    'an input in shared memory',
    { inputs: [{ ...input, data: undefined, parameters: { shared_memory_region: 'a' } }] },
  ],
])('refuses %s, which it cannot answer', async (_, fields) => {
  const { status, json } = await infer({ inputs: [input], ...fields });
  expect(status).toBe(400);
  expect(json.error).toMatch(
    /^(out|in)puts\[0\]\.parameters\.(classification|shared_memory_region): .* itself$/,
  );
});

it.each(['config', 'file:1/model.octavo'])(
  'refuses a load with %s, which would be another model',
  async (name) => {
    const { status, json } = await ask(server, '/repository/models/network/load', {
      parameters: { [name]: '{}' },
    });
    expect(status).toBe(400);
    expect(json.error).toBe(`load: parameters.${name}: a model is loaded as its file in the repository is`);
  },
);

it('a load or an unload has a JSON object for a body, or none', async () => {
  const change = (change: string, body: unknown) => ask(server, `/repository/models/network/${change}`, body);
  for (const [which, body] of [
    ['load', Buffer.alloc(0)],
    ['load', { parameters: {} }],
    ['unload', { parameters: { unload_dependents: true } }],
    ['load', {}],
  ] as const)
    expect((await change(which, body)).status).toBe(200);
  expect((await change('load', Buffer.from('{'))).json.error).toMatch(/not JSON/);
});

it('says which type of a body is none', async () => {
  const { status, json } = await infer({ inputs: [input] }, { 'content-type': 'json' });
  expect(status).toBe(415);
  expect(json.error).toBe('the header Content-Type must be a type as application/json is, got "json"');
});
