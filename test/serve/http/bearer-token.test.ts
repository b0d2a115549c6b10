import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BearerToken, type InferenceServer, serve } from '../../../lib/serve/index.ts';
import { saveNetwork } from '../client.ts';

describe('BearerToken', () => {
  const token = new BearerToken('mF_9.B5f-4.1JqM');

  it.each(['Bearer mF_9.B5f-4.1JqM', 'bearer mF_9.B5f-4.1JqM', 'Bearer   mF_9.B5f-4.1JqM '])(
    'accepts %j',
    (authorization) => {
      expect(token.accepts(authorization)).toBe(true);
    },
  );

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'mF_9.B5f-4.1JqM',
    'Basic mF_9.B5f-4.1JqM',
    'Bearer mF_9.B5f-4.1Jq',
    'Bearer mF_9.B5f-4.1JqMM',
    'Bearer MF_9.B5f-4.1JqM',
    'Bearer mF_9.B5f-4.1JqM x',
  ])('does not accept %j', (authorization) => {
    expect(token.accepts(authorization)).toBe(false);
  });

  it.each(['', 'two words', 'a=b', 'ä', 'a\nb'])('cannot be %j', (wrong) => {
    expect(() => new BearerToken(wrong)).toThrow('the token must have letters of a to z');
  });
});

describe('a server with a token', () => {
  let folder: string;
  let server: InferenceServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-token-'));
    await saveNetwork(join(folder, 'network.octavo'));
    server = await serve({ models: folder, port: 0, token: 'secret', modelControl: 'explicit' });
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  const ask = (method: string, path: string, authorization?: string) =>
    fetch(`${server.url}${path}`, { method, headers: authorization === undefined ? {} : { authorization } });

  it.each(['/v2/health/live', '/v2/health/ready'])('tells %s to anyone', async (path) => {
    expect((await ask('GET', path)).status).toBe(200);
  });

  it.each([
    ['GET', '/v2'],
    ['GET', '/v2/models/network'],
    ['GET', '/v2/models/network/ready'],
    ['POST', '/v2/models/network/infer'],
    ['POST', '/v2/repository/index'],
    ['POST', '/v2/repository/models/network/unload'],
    ['GET', '/v2/health/nothing'],
    ['GET', '/nothing'],
  ])('tells %s %s to those who show it', async (method, path) => {
    const without = await ask(method, path);
    expect(without.status).toBe(401);
    expect(without.headers.get('www-authenticate')).toBe('Bearer realm="octavo"');
    expect(await without.json()).toEqual({ error: expect.stringContaining('Authorization') });
    const wrong = await ask(method, path, 'Bearer secrets');
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer realm="octavo", error="invalid_token"');
    await wrong.arrayBuffer();
    // The last of them that does something is asked with the token elsewhere.
    if (path.endsWith('unload')) return;
    const right = await ask(method, path, 'Bearer secret');
    expect(right.status).not.toBe(401);
    await right.arrayBuffer();
  });

  it('a token that no header can hold stops the start', async () => {
    await expect(serve({ models: folder, port: 0, token: 'two words' })).rejects.toThrow('the token must');
  });
});
