import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../lib/runtime/index.ts';
import { type InferenceServer, serve } from '../../lib/serve/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { slowNet } from '../support/models.ts';
import { ask as askServer, bytesOf, saveNetwork, withBytes } from './client.ts';

let folder: string;
let server: InferenceServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await mkdir(join(folder, 'models', 'network', '1'), { recursive: true });
  await mkdir(join(folder, 'models', 'empty'));
  for (const name of [join('network', '1', 'model'), 'other'])
    await saveNetwork(join(folder, 'models', `${name}.octavo`));
  await writeFile(join(folder, 'models', 'README.md'), 'not a model');
  await writeFile(join(folder, 'secret.octavo'), 'not to be served');
  server = await serve({ models: join(folder, 'models'), port: 0, modelControl: 'explicit' });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const ask = (path: string, body?: unknown) => askServer(server, path, body);
const x = uniform([2, 3, 8, 8], -1, 1, 1);
const input = { name: 'x', shape: x.shape, datatype: 'FP32' };

describe('the repository', () => {
  it('lists, loads and unloads models', async () => {
    const line = (name: string, version: string, state: string, reason = '') => ({
      name,
      version,
      state,
      reason,
    });
    expect((await ask('/repository/index', {})).json).toEqual([
      line('network', '1', 'READY'),
      line('other', '1', 'READY'),
    ]);
    expect((await ask('/repository/models/other/unload', {})).status).toBe(200);
    expect((await ask('/models/other/ready')).status).toBe(404);
    expect((await ask('/repository/index', { ready: true })).json).toEqual([line('network', '1', 'READY')]);
    expect((await ask('/repository/models/other/load', {})).status).toBe(200);
    expect((await ask('/models/other/ready')).status).toBe(200);
    expect((await ask('/repository/models/secret/load', {})).json.error).toMatch(/no model 'secret'/);
    expect((await ask('/repository/models/..%2Fsecret/load', {})).status).toBe(400);
  });

  it('switches to a new version without a lost request', async () => {
    const second = join(folder, 'models', 'network', '2');
    await mkdir(second);
    await writeFile(join(second, 'model.octavo'), 'half of a file');
    const broken = await ask('/repository/models/network/load', {});
    expect(broken.status).toBe(400);
    expect(broken.json.error).toMatch(/model 'network', version 2/);
    expect((await ask('/models/network')).json.versions).toEqual(['1']);

    await cp(join(folder, 'models', 'network', '1', 'model.octavo'), join(second, 'model.octavo'));
    const versionOf = async () => {
      const { status, json } = await ask('/models/network/infer', {
        inputs: [{ ...input, data: x.toArray() }],
      });
      expect(status).toBe(200);
      return json.model_version;
    };
    const before = Array.from({ length: 30 }, versionOf);
    const load = ask('/repository/models/network/load', {});
    const meanwhile = Array.from({ length: 30 }, versionOf);
    expect((await load).status).toBe(200);
    const after = Array.from({ length: 30 }, versionOf);
    for (const version of await Promise.all([...before, ...meanwhile])) expect(['1', '2']).toContain(version);
    expect(new Set(await Promise.all(after))).toEqual(new Set(['2']));
    expect((await ask('/models/network')).json.versions).toEqual(['2']);
    await rm(second, { recursive: true });
    await ask('/repository/models/network/load', {});
    expect((await ask('/models/network')).json.versions).toEqual(['1']);
  });

  it('is changed by no client unless the server says so', async () => {
    await using closed = await serve({ models: join(folder, 'models'), port: 0 });
    for (const change of ['load', 'unload']) {
      const { status, json } = await askServer(closed, `/repository/models/other/${change}`, {});
      expect(json.error).toMatch(/lets no client load or unload models/);
      expect(status).toBe(403);
    }
    expect((await askServer(closed, '/models/other/ready')).status).toBe(200);
    const wrong = { models: join(folder, 'models'), port: 0, modelControl: 'poll' as 'none' };
    await expect(serve(wrong)).rejects.toThrow("modelControl must be 'none' or 'explicit', got 'poll'");
  });

  it.each([[[]], [{ ready: 'yes' }]])('has no index for %j', async (body) => {
    expect((await ask('/repository/index', body)).status).toBe(400);
  });

  it('must hold a model', async () => {
    await expect(serve({ models: join(folder, 'models', 'empty') })).rejects.toThrow('there are no models');
    await expect(serve({ models: join(folder, 'none') })).rejects.toThrow('ENOENT');
    await expect(serve({ models: join(folder, 'secret.octavo') })).rejects.toThrow(
      "model 'secret', version 1",
    );
  });
});

describe('under load', () => {
  it('answers 429 when the queue is full, and finishes what it has accepted when it is closed', async () => {
    const file = join(folder, 'slow.octavo');
    {
      using model = compile(slowNet(12));
      await model.save(file);
    }
    const slow = await serve({ models: file, port: 0, load: { maxQueue: 4, batching: { maxBatchSize: 2 } } });
    const image = uniform([1, 16, 64, 64], -1, 1, 1);
    const json = {
      inputs: [
        {
          name: 'x',
          shape: image.shape,
          datatype: 'FP32',
          parameters: { binary_data_size: image.byteLength },
        },
      ],
    };
    const [body, headers] = withBytes({ ...json, parameters: { binary_data_output: true } }, bytesOf(image));
    const once = () => fetch(`${slow.url}/v2/models/slow/infer`, { method: 'POST', body: body, headers });
    await (await once()).arrayBuffer();
    const answers = await Promise.all(Array.from({ length: 40 }, once));
    const codes = new Set(answers.map(({ status }) => status));
    expect([...codes].sort()).toEqual([200, 429]);
    const late = once();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const closed = slow.close();
    expect((await late).status).toBe(200);
    await closed;
    await expect(once()).rejects.toThrow();
  });
});
