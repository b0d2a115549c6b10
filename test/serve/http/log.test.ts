import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type InferenceServer, serve } from '../../../lib/serve/index.ts';
import { requestId } from '../../../lib/serve/logging/request-id.ts';
import { requestLevel } from '../../../lib/serve/logging/request-level.ts';
import { saveNetwork } from '../client.ts';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Pino's numbers. */
const [debug, info, error] = [20, 30, 50];

let folder: string;
let server: InferenceServer;
let texts: string[];
const lines = (): Line[] => texts.map((line) => JSON.parse(line));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-log-'));
  await saveNetwork(join(folder, 'network.octavo'));
  texts = [];
  const stream = { write: (line: string) => texts.push(line) };
  server = await serve({ models: folder, port: 0, token: 'the-secret', logger: { level: 'debug', stream } });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  texts = [];
});

const ask = async (path: string, init: RequestInit = {}, authorization = 'Bearer the-secret') => {
  const response = await fetch(`${server.url}${path}`, {
    ...init,
    headers: { authorization, ...(init.headers as Record<string, string>) },
  });
  await response.arrayBuffer();
  return response;
};

/** The only line, once it is there: a client may have its answer before. */
async function line(): Promise<Line> {
  await expect.poll(lines).toHaveLength(1);
  return lines()[0];
}

const tensor = { name: 'x', shape: [1, 3, 8, 8], datatype: 'FP32', data: new Array(192).fill(0.625) };

describe('a request has one line in the log', () => {
  it('that says what it was and how it was answered, and nothing of its contents', async () => {
    const body = JSON.stringify({ id: 'of the client', inputs: [tensor] });
    const headers = { 'x-request-id': 'trace/1' };
    const response = await ask('/v2/models/network/infer?key=hidden', { method: 'POST', body, headers });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-request-id')).toBe('trace/1');
    expect(await line()).toMatchObject({
      level: info,
      msg: 'request',
      reqId: 'trace/1',
      method: 'POST',
      path: '/v2/models/:model/infer',
      model: 'network',
      version: '1',
      id: 'of the client',
      status: 200,
      bytesIn: body.length,
      bytesOut: Number(response.headers.get('content-length')),
      ms: expect.any(Number),
    });
    expect(texts[0]).not.toMatch(/0\.625|the-secret|hidden/);
  });

  it('that names the model and the id where the request fails', async () => {
    const body = JSON.stringify({ id: 'a', inputs: [{ ...tensor, name: 'y' }] });
    await ask('/v2/models/network/infer', { method: 'POST', body });
    expect(await line()).toMatchObject({
      level: info,
      status: 400,
      model: 'network',
      id: 'a',
      bytesIn: body.length,
    });
  });

  it('also without the token, which it does not tell', async () => {
    await ask('/v2', {}, 'Bearer a-wrong-one');
    expect(await line()).toMatchObject({ level: info, status: 401, path: '/v2' });
    expect(texts[0]).not.toContain('a-wrong-one');
  });

  it('also where there is no such path, cut short', async () => {
    await ask(`/${'a'.repeat(1000)}?key=hidden`);
    expect(await line()).toMatchObject({ level: info, status: 404, path: `/${'a'.repeat(254)}` });
  });

  it('for probes, which come often, at debug', async () => {
    await ask('/v2/health/ready', {}, '');
    expect(await line()).toMatchObject({ level: debug, path: '/v2/health/ready', status: 200 });
  });

  it('whose client goes before it is answered', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const head = ['POST /v2/models/network/infer HTTP/1.1', 'Host: a', 'Authorization: Bearer the-secret'];
    socket.write([...head, 'Content-Length: 100', '', '{"inputs"'].join('\r\n'));
    const [request] = await once(server.app.server, 'request');
    await once(request, 'data');
    socket.destroy();
    expect(await line()).toMatchObject({ status: 499, msg: 'client gone', model: 'network' });
  });
});

it('a failure of the server is told with its stack', async () => {
  const { model } = server.repository.model('network');
  const run = model.run.bind(model);
  model.run = () => Promise.reject(new RangeError('there is not enough memory'));
  await ask('/v2/models/network/infer', { method: 'POST', body: JSON.stringify({ inputs: [tensor] }) });
  model.run = run;
  await expect.poll(lines).toHaveLength(2);
  const [failure, request] = lines();
  expect(failure).toMatchObject({
    level: error,
    err: { stack: expect.stringContaining('not enough memory') },
  });
  expect(request).toMatchObject({ level: error, status: 500, reqId: failure.reqId });
});

describe('an id of a request', () => {
  it.each(['a', 'trace/1:2', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '~'.repeat(128)])(
    'is %s as the client says',
    (given) => {
      expect(requestId(given)).toBe(given);
    },
  );

  it.each([undefined, '', 'two words', 'ä', 'a\nb', 'a'.repeat(129), ['a', 'b']])(
    'is a new one for %j',
    (given) => {
      expect(requestId(given)).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
      expect(requestId(given)).not.toBe(requestId(given));
    },
  );
});

it.each([
  [200, false, 'info'],
  [404, false, 'info'],
  [429, false, 'warn'],
  [500, false, 'error'],
  [503, false, 'warn'],
  [200, true, 'debug'],
  [503, true, 'debug'],
] as const)('status %i, of a probe: %s, is told at %s', (status, isProbe, level) => {
  expect(requestLevel(status, isProbe)).toBe(level);
});

it('without a log none is written', async () => {
  await using silent = await serve({ models: folder, port: 0 });
  const { headers } = await fetch(`${silent.url}/v2`, { headers: { 'x-request-id': 'mine' } });
  expect(headers.get('x-request-id')).toBe('mine');
  expect(texts).toEqual([]);
});
