import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../lib/runtime/index.ts';
import { type InferenceServer, serve } from '../../lib/serve/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';
import { type Answer, ask as askServer, bytesOf, saveEchoes, saveNetwork, withBytes } from './client.ts';

let folder: string;
let server: InferenceServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await mkdir(join(folder, 'models', 'network', '1'), { recursive: true });
  await mkdir(join(folder, 'models', 'empty'));
  await saveNetwork(join(folder, 'models', 'network', '1', 'model.octavo'));
  await saveEchoes(join(folder, 'models', 'echoes.octavo'));
  await writeFile(join(folder, 'models', 'README.md'), 'not a model');
  await writeFile(join(folder, 'secret.octavo'), 'not to be served');
  server = await serve({ models: join(folder, 'models'), port: 0, version: '1.2.3', bodyLimit: 2 ** 20 });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const ask = (path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> =>
  askServer(server, path, body, headers);

const x = uniform([2, 3, 8, 8], -1, 1, 1);
const input = { name: 'x', shape: x.shape, datatype: 'FP32' };

/** What the model answers to x when it is run here. */
async function expected(): Promise<Tensor> {
  using model = compile(convNet());
  return Object.values(await model.run(x))[0];
}

describe('health and metadata', () => {
  it('of the server', async () => {
    expect(await ask('/health/live')).toMatchObject({ status: 200, json: { live: true } });
    expect(await ask('/health/ready')).toMatchObject({ status: 200, json: { ready: true } });
    expect((await ask('')).json).toEqual({
      name: 'octavo',
      version: '1.2.3',
      extensions: ['binary_tensor_data', 'model_repository', 'statistics'],
    });
  });

  it('of a model, and of a version', async () => {
    for (const path of ['/models/network', '/models/network/versions/1']) {
      expect((await ask(`${path}/ready`)).json).toEqual({ name: 'network', ready: true });
      expect((await ask(path)).json).toEqual({
        name: 'network',
        versions: ['1'],
        platform: 'octavo',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3, 8, 8] }],
        outputs: [{ name: 'linear_default', datatype: 'FP32', shape: [-1, 5] }],
      });
    }
  });

  it.each([
    '/models/no',
    '/models/network/versions/2',
    '/models/no/ready',
    '/models/..%2Fsecret',
    '/nothing',
    '/../nothing',
  ])('%s is not there', async (path) => {
    const { status, json } = await ask(path);
    expect(status).toBe(404);
    expect(Object.keys(json)).toEqual(['error']);
  });
});

describe('inference', () => {
  it('in JSON, flat or nested, gives what run gives', async () => {
    const y = await expected();
    const flat = x.toArray();
    const nested = [8, 8, 3].reduce<readonly unknown[]>(
      (list, length) =>
        Array.from({ length: list.length / length }, (_, i) => list.slice(i * length, (i + 1) * length)),
      flat,
    );
    for (const data of [flat, nested]) {
      const { status, json } = await ask('/models/network/infer', {
        id: 'a 1',
        inputs: [{ ...input, data }],
      });
      expect(status).toBe(200);
      expect(json).toEqual({
        model_name: 'network',
        model_version: '1',
        id: 'a 1',
        outputs: [{ name: 'linear_default', shape: [2, 5], datatype: 'FP32', data: y.toArray() }],
      });
    }
  });

  it('in bytes gives the same bits', async () => {
    const y = await expected();
    const json = {
      inputs: [{ ...input, parameters: { binary_data_size: x.byteLength } }],
      outputs: [{ name: 'linear_default', parameters: { binary_data: true } }],
    };
    // A space more: the bytes behind it are not aligned.
    for (const body of [
      json,
      { ...json, parameters: { binary_data_output: true } },
      { ...json, id: 'xyz' },
    ]) {
      const answer = await ask('/models/network/infer', ...withBytes(body, bytesOf(x)));
      expect(answer.status).toBe(200);
      expect(answer.json.outputs).toEqual([
        { name: 'linear_default', shape: [2, 5], datatype: 'FP32', parameters: { binary_data_size: 40 } },
      ]);
      expect(answer.rest.equals(bytesOf(y))).toBe(true);
    }
  });

  it('of every datatype', async () => {
    const bf16 = { name: 'bfloat16', datatype: 'BF16', shape: [2, 2], parameters: { binary_data_size: 8 } };
    const given: readonly [string, string, readonly unknown[]][] = [
      ['float32', 'FP32', [0.5, -2, 1e30, 0]],
      ['float64', 'FP64', [0.1, -2, 1e300, 0]],
      ['int8', 'INT8', [-128, 127, 0, 1]],
      ['int16', 'INT16', [-32768, 32767, 0, 1]],
      ['int32', 'INT32', [-(2 ** 31), 2 ** 31 - 1, 0, 1]],
      ['int64', 'INT64', [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 0, 1]],
      ['uint8', 'UINT8', [0, 255, 1, 2]],
      ['uint16', 'UINT16', [0, 65535, 1, 2]],
      ['bool', 'BOOL', [true, false, false, true]],
    ];
    const inputs = given.map(([name, datatype, data]) => ({ name, datatype, shape: [2, 2], data }));
    const bits = new Uint8Array([0x80, 0x3f, 0, 0, 0xc0, 0x7f, 1, 0]);
    const metadata = (await ask('/models/echoes')).json.outputs as { name: string }[];
    const outputs = metadata.map(({ name }, i) => ({
      name,
      ...(i === 9 ? { parameters: { binary_data: true } } : {}),
    }));
    const answer = await ask(
      '/models/echoes/infer',
      ...withBytes({ inputs: [...inputs, bf16], outputs }, bits),
    );
    expect(answer.status).toBe(200);
    const results = answer.json.outputs as { datatype: string; data: unknown[] }[];
    expect(results.slice(0, 9).map(({ datatype, data }) => [datatype, data])).toEqual(
      // A float32 in JSON has the digits of its double.
      given.map(([, datatype, data]) => [
        datatype,
        datatype === 'FP32' ? [0.5, -2, Math.fround(1e30), 0] : data,
      ]),
    );
    expect([...answer.rest]).toEqual([...bits]);
  });

  const wrong: readonly [string, unknown, number, RegExp][] = [
    ['no JSON', Buffer.from('{"inputs": ['), 400, /not JSON/],
    ['an array', [], 400, /the request must be a JSON object/],
    ['no inputs', {}, 400, /inputs of the request must be an array/],
    ['an empty list', { inputs: [] }, 400, /at least one/],
    [
      'a datatype that there is not',
      { inputs: [{ ...input, datatype: 'FP31', data: [] }] },
      400,
      /inputs\[0\].datatype: no model takes "FP31"/,
    ],
    ['strings', { inputs: [{ ...input, datatype: 'BYTES', data: ['a'] }] }, 400, /no model takes "BYTES"/],
    ['another shape', { inputs: [{ ...input, data: [1, 2] }] }, 400, /holds 2 elements, its shape 384/],
    [
      'a negative extent',
      { inputs: [{ ...input, shape: [-1, 3], data: [] }] },
      400,
      /shape must hold whole numbers/,
    ],
    ['a huge shape', { inputs: [{ ...input, shape: [2 ** 40, 2 ** 40], data: [] }] }, 400, /no memory holds/],
    [
      'a word among numbers',
      { inputs: [{ ...input, shape: [1], data: ['x'] }] },
      400,
      /element 0, "x", is no FP32/,
    ],
    [
      'an integer out of range',
      { inputs: [{ name: 'x', datatype: 'INT8', shape: [1], data: [128] }] },
      400,
      /element 0, 128, is no INT8/,
    ],
    [
      'an integer that JSON rounds',
      { inputs: [{ name: 'x', datatype: 'INT64', shape: [1], data: [2 ** 53] }] },
      400,
      /is no INT64/,
    ],
    [
      'halves in JSON',
      { inputs: [{ name: 'x', datatype: 'FP16', shape: [1], data: [1] }] },
      400,
      /send it as binary data/,
    ],
    [
      'an input that the model does not have',
      { inputs: [{ ...input, name: 'z', data: x.toArray() }] },
      400,
      /'z'/,
    ],
    [
      'an input twice',
      { inputs: [1, 2].map(() => ({ ...input, data: x.toArray() })) },
      400,
      /two inputs 'x'/,
    ],
    [
      'an input of another rank',
      { inputs: [{ ...input, shape: [384], data: x.toArray() }] },
      400,
      /input 'x' must be float32\[s0, 3, 8, 8\]/,
    ],
    [
      'an output that the model does not have',
      { inputs: [{ ...input, data: x.toArray() }], outputs: [{ name: 'no' }] },
      400,
      /no output 'no'/,
    ],
    [
      'an output twice',
      { inputs: [{ ...input, data: x.toArray() }], outputs: [1, 2].map(() => ({ name: 'linear_default' })) },
      400,
      /twice/,
    ],
    [
      'a number for an id',
      { id: 7, inputs: [{ ...input, data: x.toArray() }] },
      400,
      /id of the request must be a string/,
    ],
    [
      'bytes that are missing',
      { inputs: [{ ...input, parameters: { binary_data_size: x.byteLength } }] },
      400,
      /1536 bytes are missing/,
    ],
    [
      'another number of bytes',
      { inputs: [{ ...input, parameters: { binary_data_size: 7 } }] },
      400,
      /must be 1536/,
    ],
    ['too much', Buffer.alloc(2 ** 20 + 1, 32), 413, /too large/i],
  ];
  it.each(wrong)('refuses %s', async (_, body, status, message) => {
    const answer = await ask('/models/network/infer', body);
    expect(answer.json.error).toMatch(message);
    expect(answer.status).toBe(status);
  });

  it('refuses bytes that belong to nothing, and a length that is none', async () => {
    const [body] = withBytes({ inputs: [{ ...input, data: x.toArray() }] }, new Uint8Array(3));
    const length = (text: string) =>
      ask('/models/network/infer', body, { 'inference-header-content-length': text });
    expect((await length(`${body.length - 3}`)).json.error).toMatch(/3 bytes that belong to no input/);
    for (const text of ['-1', '1e3', `${body.length + 1}`, 'x'])
      expect((await length(text)).json.error).toMatch(
        /Inference-Header-Content-Length must be a number of bytes/,
      );
  });

  it('goes on after clients that hang up or send garbage', async () => {
    const { port } = new URL(server.url);
    for (const text of [
      'POST /v2/models/network/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"inputs"',
      'garbage\r\n\r\n',
      'GET /v2 HTTP/1.1\r\n',
    ]) {
      const socket = connect(Number(port), new URL(server.url).hostname.replace(/[[\]]/g, ''));
      socket.on('error', () => {});
      await new Promise<void>((resolve) => socket.write(text, () => resolve()));
      socket.destroy();
    }
    expect((await ask('/health/live')).status).toBe(200);
  });
});
