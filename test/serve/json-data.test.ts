import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SymInt } from '../../lib/graph/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { type InferenceServer, serve } from '../../lib/serve/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { ask, withBytes } from './client.ts';

let folder: string;
let server: InferenceServer;

/** A model for each datatype: its output is its input, [s0, s1]. */
async function saveEcho(dtype: 'float32' | 'float64' | 'int8' | 'bool'): Promise<void> {
  const b = new GraphBuilder();
  const x = b.input('x', [new SymInt(['s0']), new SymInt(['s1'])], dtype);
  using model = compile(b.finish(b.call('aten.clone.default', x)));
  await model.save(join(folder, `${dtype}.octavo`));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  for (const dtype of ['float32', 'float64', 'int8', 'bool'] as const) await saveEcho(dtype);
  server = await serve({ models: folder, port: 0 });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const names = { FP32: 'float32', FP64: 'float64', INT8: 'int8', BOOL: 'bool' } as const;

/** Sends JSON as it is written: JSON.stringify has no -0, and not every number. */
const send = (datatype: keyof typeof names, data: string, rest = '', shape = '[2,2]') =>
  ask(
    server,
    `/models/${names[datatype]}/infer`,
    Buffer.from(`{"inputs":[{"name":"x","datatype":"${datatype}","shape":${shape},"data":${data}}]${rest}}`),
  );

const deep = (open: string, close: string) => open.repeat(200_000) + close.repeat(200_000);
const valuesOf = (json: Record<string, unknown>) => (json.outputs as { data: unknown[] }[])[0].data;

describe('data in JSON', () => {
  it.each(['[1,2,3,4]', '[[1,2],[3,4]]'])('is %s', async (data) => {
    expect(valuesOf((await send('FP32', data)).json)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['arrays in arrays', deep('[', ']'), /an array of 2, as the shape says, got one of 1/],
    ['objects in objects', `[${deep('{"a":', '}').replace(':}', ':1}')},1,1,1]`, /element 0, an object/],
    ['rows of other lengths', '[[1],[2,3,4]]', /data\[0\] must be an array of 2, .* got one of 1/],
    ['a number beside a row', '[[1,2],3]', /data\[1\] must be an array of 2, .* got 3/],
    ['a row beside numbers', '[1,2,3,[4]]', /element 3, an array, is no FP32/],
    ['one level more', '[[[1],[2]],[[3],[4]]]', /element 0, an array, is no FP32/],
    ['too many rows', '[[1,2],[3,4],[5,6]]', /data must be an array of 2, .* got one of 3/],
    ['what float32 rounds to infinity', '[1,2,3,1e39]', /element 3, 1e\+39, is no FP32/],
    ['what float64 rounds to infinity', '[1,2,3,1e400]', /element 3, Infinity, is no FP32/],
    ['null', '[1,2,3,null]', /element 3, null, is no FP32/],
  ])('is not %s', async (_, data, message) => {
    const { status, json } = await send('FP32', data);
    expect(json.error).toMatch(message);
    expect(status).toBe(400);
  });

  it('ends where the datatype does', async () => {
    expect((await send('FP32', '[3.4028235e38,0,0,0]')).status).toBe(200);
    expect((await send('FP64', '[1e308,0,0,0]')).status).toBe(200);
    expect((await send('FP64', '[1e309,0,0,0]')).status).toBe(400);
    expect(valuesOf((await send('INT8', '[-128,127,0,-1]')).json)).toEqual([-128, 127, 0, -1]);
    for (const element of ['128', '-129', '0.5', 'true', '"1"'])
      expect((await send('INT8', `[${element},0,0,0]`)).status).toBe(400);
    expect(valuesOf((await send('BOOL', '[true,0,1,false]')).json)).toEqual([true, false, true, false]);
    for (const element of ['2', '-1', '"true"', 'null'])
      expect((await send('BOOL', `[${element},0,0,0]`)).status).toBe(400);
  });

  it('is quoted shortly', async () => {
    const long = 'x'.repeat(100_000);
    for (const answer of [
      await send('FP32', `["${long}",0,0,0]`),
      await send('FP32', '[1]', '', `[${new Array(100_000).fill(1).join()}]`),
      await send('FP32', '[1]', `,"outputs":[{"name":"${long}"}]`, '[1,1]'),
      await send('FP32', '[1]', `,"parameters":{"priority":"${long}"}`, '[1,1]'),
      await send('FP32', '[1]', `,"parameters":{"priority":${deep('[', ']')}}`, '[1,1]'),
      await ask(server, '/models/float32/infer', {
        inputs: [{ name: 'x', datatype: long, shape: [1, 1], data: [1] }],
      }),
      await ask(server, '/models/float32/infer', {
        inputs: [{ name: long, datatype: 'FP32', shape: [1, 1], data: [1] }],
      }),
    ]) {
      expect(answer.status).toBe(400);
      expect((answer.json.error as string).length).toBeLessThan(400);
    }
  });

  it.each([
    ['[]', '[0,2]'],
    ['[[],[]]', '[2,0]'],
  ])('may be %s of shape %s, if the model takes that', async (data, shape) => {
    expect((await send('FP32', data, '', shape)).json.error).toMatch(/input 'x' must be .* at least 1/);
  });

  it('keeps the sign of 0', async () => {
    const { json } = await send('FP32', '[-0.0,0,-1,1]');
    expect(valuesOf(json).map((value) => Object.is(value, -0))).toEqual([true, false, false, false]);
    const response = await fetch(`${server.url}/v2/models/float64/infer`, {
      method: 'POST',
      body: '{"inputs":[{"name":"x","datatype":"FP64","shape":[1,1],"data":[-0.0]}]}',
    });
    // Python reads -0 as an integer.
    expect(await response.text()).toContain('"data":[-0.0]');
  });
});

describe('a request', () => {
  it('may say null for what it leaves out', async () => {
    const { status, json } = await send('FP32', '[1,2,3,4]', ',"id":null,"parameters":null');
    expect(status).toBe(200);
    expect(json).not.toHaveProperty('id');
  });

  it.each([
    [undefined, undefined, false],
    [undefined, true, true],
    [false, true, false],
    [true, false, true],
    [true, undefined, true],
  ])('with binary_data %s and binary_data_output %s: bytes %s', async (one, all, isBinary) => {
    const name = ((await ask(server, '/models/float32')).json.outputs as { name: string }[])[0].name;
    const body = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] }],
      outputs: [{ name, parameters: { binary_data: one } }],
      parameters: { binary_data_output: all },
    };
    const { json, rest } = await ask(server, '/models/float32/infer', body);
    expect(rest.length).toBe(isBinary ? 4 : 0);
    expect((json.outputs as object[])[0]).toHaveProperty(isBinary ? 'parameters' : 'data');
  });

  it('is not compressed', async () => {
    const [body] = withBytes({});
    const { status, json } = await ask(server, '/models/float32/infer', body, { 'content-encoding': 'gzip' });
    expect(json).toEqual({ error: expect.stringMatching(/Content-Encoding gzip/) });
    expect(status).toBe(415);
  });

  it.each([
    [`/models/${'a'.repeat(300)}`, 404],
    ['/models/%zz', 400],
    ['/repository', 404],
  ])('to %s gets %d in the protocol’s form', async (path, status) => {
    const answer = await ask(server, path);
    expect(answer.status).toBe(status);
    expect(Object.keys(answer.json)).toEqual(['error']);
  });
});
