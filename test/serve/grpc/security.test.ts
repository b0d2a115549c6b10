import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { generate, type SelfsignedOptions } from 'selfsigned';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serve } from '../../../lib/serve/index.ts';
import { saveNetwork } from '../client.ts';

let folder: string;
let models: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-grpc-'));
  models = join(folder, 'network.octavo');
  await saveNetwork(models);
});
afterAll(() => rm(folder, { recursive: true }));

const pair = (name: string, options: SelfsignedOptions = {}) =>
  generate([{ name: 'commonName', value: name }], { keyType: 'ec', algorithm: 'sha256', ...options });

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

/** The name in the server's certificate. In TLS 1.2 a client without the certificate that is wanted is refused at once. */
async function serverName(address: string, options: ConnectionOptions = {}): Promise<unknown> {
  const [host, port] = address.split(':');
  const given = { host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] };
  const socket = connect({ ...given, maxVersion: 'TLSv1.2', ...options });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

it('TLS has the certificates that stand in the files, also when they are replaced', async () => {
  const [first, second] = [await pair('first'), await pair('second')];
  const ca = await pair('authority', {
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'keyUsage', keyCertSign: true },
    ],
  });
  const client = await pair('client', { ca: { cert: ca.cert, key: ca.private } });
  const known = { cert: client.cert, key: client.private };
  const tls = {
    cert: await write('tls.crt', first.cert),
    key: await write('tls.key', first.private),
    clientCa: await write('clients.crt', ca.cert),
  };
  await using server = await serve({ models, host: '127.0.0.1', port: 0, grpcPort: 0, tls });
  expect(await serverName(server.grpcAddress!, known)).toBe('first');
  await expect(serverName(server.grpcAddress!)).rejects.toThrow();
  await write('tls.crt', second.cert);
  await write('tls.key', second.private);
  await server.reloadSecrets();
  expect(await serverName(server.grpcAddress!, known)).toBe('second');
  await expect(serverName(server.grpcAddress!)).rejects.toThrow();
});

/** The code that a call without a message is answered with. */
async function codeOf(address: string, path: string, authorization?: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  const bytes = (message: Buffer) => message;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), metadata, (error) => {
      client.close();
      resolve(status[error?.code ?? status.OK]);
    });
  });
}

it('a token is the one that stands in its file, also when it is replaced', async () => {
  const token = { file: await write('token', 'first\n') };
  await using server = await serve({ models, host: '127.0.0.1', port: 0, grpcPort: 0, token });
  const accepted = async () => {
    const { url, grpcAddress } = server;
    const answers = ['first', 'second'].map(async (each) => {
      const authorization = `Bearer ${each}`;
      const byRest = (await fetch(`${url}/v2`, { headers: { authorization } })).status === 200;
      const path = '/inference.GRPCInferenceService/ServerMetadata';
      expect((await codeOf(grpcAddress!, path, authorization)) === 'OK').toBe(byRest);
      return byRest ? [each] : [];
    });
    return (await Promise.all(answers)).flat();
  };
  expect(await accepted()).toEqual(['first']);
  await write('token', 'two words');
  await expect(server.reloadSecrets()).rejects.toThrow(`${token.file}: the token must have letters`);
  await rm(token.file);
  await expect(server.reloadSecrets()).rejects.toThrow('the token could not be read: ENOENT');
  expect(await accepted()).toEqual(['first']);
  await write('token', 'second');
  await server.reloadSecrets();
  expect(await accepted()).toEqual(['second']);
});

it('a token is asked for, but for the health of the server', async () => {
  await using server = await serve({ models, host: '127.0.0.1', port: 0, grpcPort: 0, token: 'secret' });
  const ask = (path: string, authorization?: string) => codeOf(server.grpcAddress!, path, authorization);
  for (const method of ['ServerMetadata', 'ModelInfer', 'ModelReady', 'RepositoryIndex']) {
    const path = `/inference.GRPCInferenceService/${method}`;
    for (const wrong of [undefined, 'Bearer other', 'secret'])
      expect(await ask(path, wrong)).toBe('UNAUTHENTICATED');
    expect(await ask(path, 'Bearer secret')).not.toBe('UNAUTHENTICATED');
  }
  for (const path of [
    '/inference.GRPCInferenceService/ServerLive',
    '/inference.GRPCInferenceService/ServerReady',
    '/grpc.health.v1.Health/Check',
  ])
    expect(await ask(path)).toBe('OK');
});
