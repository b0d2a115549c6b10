import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serve } from '../../../lib/serve/index.ts';
import { saveNetwork } from '../client.ts';
import { GrpcClient } from './client.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes a certificate of 127.0.0.1 that signs itself, and its key. */
async function writePair(name: string) {
  const pair = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keySize: 2048,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  await writeFile(join(folder, `${name}.crt`), pair.cert);
  await writeFile(join(folder, `${name}.key`), pair.private);
}
const path = (file: string) => join(folder, file);
const read = (file: string) => readFile(path(file));

it('speaks TLS, and with another certificate when its files were replaced', async () => {
  await writePair('server');
  const first = await read('server.crt');
  const tls = { cert: path('server.crt'), key: path('server.key') };
  await using server = await serve({ models: path('network.octavo'), port: 0, grpcPort: 0, tls });
  const codeWith = async (root: Buffer) => {
    using client = new GrpcClient(server.grpcAddress!, credentials.createSsl(root));
    return (await client.ask('ServerLive')).code;
  };
  expect(await codeWith(first)).toBe('OK');
  await writePair('server');
  await server.reloadSecrets();
  expect(await codeWith(first)).toBe('UNAVAILABLE');
  expect(await codeWith(await read('server.crt'))).toBe('OK');
  using plain = new GrpcClient(server.grpcAddress!);
  expect((await plain.ask('ServerLive')).code).toBe('UNAVAILABLE');
});

it('refuses clients without a certificate where they need one', async () => {
  for (const name of ['server', 'client']) await writePair(name);
  const tls = { cert: path('server.crt'), key: path('server.key'), clientCa: path('client.crt') };
  await using server = await serve({ models: path('network.octavo'), port: 0, grpcPort: 0, tls });
  const root = await read('server.crt');
  const own = credentials.createSsl(root, await read('client.key'), await read('client.crt'));
  using known = new GrpcClient(server.grpcAddress!, own);
  expect((await known.ask('ServerLive')).code).toBe('OK');
  using unknown = new GrpcClient(server.grpcAddress!, credentials.createSsl(root));
  expect((await unknown.ask('ServerLive')).code).toBe('UNAVAILABLE');
});
