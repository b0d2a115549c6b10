import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { generate, type SelfsignedOptions } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type TlsFiles } from '../../../lib/serve/index.ts';
import { saveNetwork } from '../client.ts';

let folder: string;
let models: string;
let files: TlsFiles;

interface Pair {
  readonly cert: string;
  readonly private: string;
}

/** A certificate of that name, and its key. */
const pair = (name: string, options: SelfsignedOptions = {}): Promise<Pair> =>
  generate([{ name: 'commonName', value: name }], { keyType: 'ec', algorithm: 'sha256', ...options });

const write = async (name: string, text: string) => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-tls-'));
  models = join(folder, 'network.octavo');
  await saveNetwork(models);
  const { cert, private: key } = await pair('localhost');
  files = { cert: await write('tls.crt', cert), key: await write('tls.key', key) };
});
afterAll(() => rm(folder, { recursive: true }));

/** The status of `v2/health/live`, and the name in the server's certificate. */
const live = (url: string, options: ConnectionOptions): Promise<[status: number, name: string]> =>
  new Promise((resolve, reject) => {
    const asked = request(
      `${url}/v2/health/live`,
      { agent: false, rejectUnauthorized: false, ...options },
      (answer) => {
        const { CN } = (answer.socket as TLSSocket).getPeerCertificate().subject;
        answer.resume().on('end', () => resolve([answer.statusCode!, String(CN)]));
      },
    );
    asked.on('error', reject).end();
  });

describe('a server with a certificate', () => {
  it('ends in spite of connections on which nothing is asked, before and after the handshake', async () => {
    const server = await serve({ models, port: 0, tls: files, drainTimeout: 60_000 });
    const { port, hostname: host } = new URL(server.url);
    const secured = once(server.app.server, 'secureConnection');
    const sockets = [
      connect({ port: Number(port), host }),
      tlsConnect({ port: Number(port), host, rejectUnauthorized: false }),
    ];
    const cut = sockets.map((socket) =>
      once(
        socket.on('error', () => {}),
        'close',
      ),
    );
    await secured;
    const began = performance.now();
    await server.close();
    await Promise.all(cut);
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it('cuts a handshake that does not end after drainTimeout', async () => {
    const server = await serve({ models, port: 0, tls: files, drainTimeout: 100 });
    const { port, hostname: host } = new URL(server.url);
    const socket = connect({ port: Number(port), host }).on('error', () => {});
    const [accepted] = await once(server.app.server, 'connection');
    // The beginning of a record of TLS.
    socket.write(Buffer.from([22, 3, 1]));
    await expect.poll(() => accepted.bytesRead).toBe(3);
    const began = performance.now();
    await server.close();
    // TLS alone would wait for two minutes.
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it('speaks TLS 1.2 and 1.3, and nothing older or plain', async () => {
    await using server = await serve({ models, port: 0, tls: files });
    expect(server.url).toMatch(/^https:/);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      expect(await live(server.url, { minVersion: version, maxVersion: version })).toEqual([
        200,
        'localhost',
      ]);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(live(server.url, old)).rejects.toThrow(/protocol version|EPROTO|alert/i);
    await expect(fetch(server.url.replace('https:', 'http:'))).rejects.toThrow();
  });

  it('reads its files again, and keeps those it has if they are wrong', async () => {
    await using server = await serve({ models, port: 0, tls: files });
    const { cert, private: key } = await pair('replaced');
    await write('tls.crt', cert);
    await expect(server.reloadSecrets()).rejects.toThrow(
      `${files.key} is not the key of the certificate ${files.cert}`,
    );
    expect(await live(server.url, {})).toEqual([200, 'localhost']);
    await write('tls.key', key);
    await server.reloadSecrets();
    expect(await live(server.url, {})).toEqual([200, 'replaced']);
  });

  it('without TLS has no files to read', async () => {
    await using server = await serve({ models, port: 0 });
    await expect(server.reloadSecrets()).rejects.toThrow('neither speaks TLS nor has its token from a file');
  });

  it('serves only clients with a certificate that is signed, where that is wanted', async () => {
    const signs = [
      { name: 'basicConstraints', cA: true } as const,
      { name: 'keyUsage', keyCertSign: true } as const,
    ];
    const ca = await pair('authority', { extensions: signs });
    const known = await pair('client', { ca: { cert: ca.cert, key: ca.private } });
    const stranger = await pair('client');
    const clientCa = await write('clients.crt', ca.cert);
    await using server = await serve({ models, port: 0, tls: { ...files, clientCa } });
    const [status] = await live(server.url, { cert: known.cert, key: known.private });
    expect(status).toBe(200);
    await expect(live(server.url, { cert: stranger.cert, key: stranger.private })).rejects.toThrow();
    await expect(live(server.url, {})).rejects.toThrow();
    // The client's authority outlives a reload.
    await server.reloadSecrets();
    await expect(live(server.url, {})).rejects.toThrow();
  });
});

describe('files of TLS that are wrong stop the start', () => {
  it.each([
    ['cert', 'none.crt', undefined, /none\.crt could not be read: ENOENT/],
    ['cert', 'text.crt', 'a text', /text\.crt must hold a certificate in PEM/],
    ['key', 'text.key', 'a text', /text\.key must hold a private key without a password in PEM/],
    ['clientCa', 'text.ca', 'a text', /text\.ca must hold a certificate in PEM/],
  ] as const)('%s: %s', async (which, name, text, message) => {
    const path = text === undefined ? join(folder, name) : await write(name, text);
    await expect(serve({ models, port: 0, tls: { ...files, [which]: path } })).rejects.toThrow(message);
  });
});
