import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { saveNetwork } from '../../serve/client.ts';
import { isAlive, until } from '../../serve/workers/worker-server.ts';
import { octavoHere } from '../octavo.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-start-'));
  file = join(folder, 'network.octavo');
  await saveNetwork(file);
  await writeFile(join(folder, 'text.pem'), 'no certificate');
});
afterAll(() => rm(folder, { recursive: true }));

const at = (name: string) => join(folder, name);

async function writeCertificate(name: string): Promise<void> {
  const made = await generate([{ name: 'commonName', value: name }], { keyType: 'ec', algorithm: 'sha256' });
  await writeFile(at('tls.crt'), made.cert);
  await writeFile(at('tls.key'), made.private);
}

it('prints what it would serve with, and nothing of the token', async () => {
  await writeFile(at('serve.yaml'), 'maxBatchSize: 4\nmodels: { network: { streams: 2 } }\n');
  await writeFile(at('token'), 'hidden');
  const args = ['serve', file, '--config', at('serve.yaml'), '--token-file', at('token'), '--print-config'];
  const { stdout, code } = await octavoHere(...args);
  expect(code).toBe(0);
  expect(stdout).toContain(`maxBatchSize: 4 # ${at('serve.yaml')}\n`);
  expect(stdout).toContain('port: 8000 # default\n');
  expect(stdout).not.toContain('hidden');
  // It is a file of settings itself.
  expect(parse(stdout)).toMatchObject({
    repository: file,
    maxBatchSize: 4,
    models: { network: { streams: 2 } },
  });
  const { settings, sources } = JSON.parse((await octavoHere('--json', ...args)).stdout);
  expect(settings).toEqual(parse(stdout));
  expect(sources).toMatchObject({ repository: '<models>', tokenFile: '--token-file', port: 'default' });
});

it('prints the schema of a file of settings', async () => {
  const { stdout, code } = await octavoHere('serve', '--print-schema');
  expect(code).toBe(0);
  expect(JSON.parse(stdout).properties.port.maximum).toBe(65535);
});

it.each([
  [
    'a certificate that is none',
    ['--tls-cert', 'text.pem', '--tls-key', 'text.pem'],
    /text\.pem must hold a certificate/,
  ],
  ['a token that is not there', ['--token-file', 'none'], /the token could not be read: ENOENT/],
  ['a token of two words', ['--token-file', 'text.pem'], /the token must have letters/],
])('does not start with %s, whether it serves or prints', async (_, args, message) => {
  const paths = args.map((arg) => (arg.startsWith('--') ? arg : at(arg)));
  for (const more of [[], ['--print-config']]) {
    const { code, stdout, stderr } = await octavoHere('serve', file, '--port', '0', ...paths, ...more);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([code, stdout]).toEqual([1, '']);
  }
});

it('does not start with settings of a model that is not there', async () => {
  await writeFile(at('other.yaml'), 'models: { netwrok: { streams: 2 } }');
  const { code, stderr } = await octavoHere('serve', file, '--config', at('other.yaml'), '--port', '0');
  expect(stderr).toContain(`models.netwrok: there is no such model in ${file}; did you mean network?`);
  expect(code).toBe(1);
  // Clients may load it later.
  const later = ['--config', at('other.yaml'), '--model-control', 'explicit', '--print-config'];
  expect((await octavoHere('serve', file, ...later)).code).toBe(0);
});

it('looks for settings of a model under the name that it is served under', async () => {
  await writeFile(at('renamed.yaml'), 'models: { renamed: { streams: 2 } }');
  const args = ['--config', at('renamed.yaml'), '--print-config'];
  expect((await octavoHere('serve', file, '--model-name', 'renamed', ...args)).code).toBe(0);
  const { stderr } = await octavoHere('serve', file, ...args);
  expect(stderr).toContain(`models.renamed: there is no such model in ${file}; there are network`);
  const empty = await mkdtemp(at('empty-'));
  expect((await octavoHere('serve', empty, ...args)).stderr).toContain(`model in ${empty}; there are none`);
});

it.each([
  ['models that are not there', ['none'], /there are no models to serve at \S+none: no such file or folder/],
  [
    'a name that no model can have',
    ['network.octavo', '--model-name', 'a/b'],
    /--model-name a\/b: the name of a/,
  ],
])('does not start with %s, whether it serves or prints', async (_, [path, ...args], message) => {
  for (const more of [[], ['--print-config']]) {
    const { code, stdout, stderr } = await octavoHere('serve', at(path), '--port', '0', ...args, ...more);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([code, stdout]).toEqual([1, '']);
  }
});

it('does not start where the port is taken, and says so in one line', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const args = ['serve', file, '--host', '127.0.0.1', '--port', String(port), '--grpc', 'off'];
  const byGrpc = [...args.slice(0, 4), '--port', '0', '--grpc-port', String(port)];
  const message = `the server cannot listen at 127.0.0.1:${port}: the port is taken (EADDRINUSE)`;
  for (const each of [args, byGrpc, [...args, '--workers', '2'], [...byGrpc, '--workers', '2']])
    expect(await octavoHere(...each)).toEqual({ code: 1, stdout: '', stderr: `octavo: ${message}\n` });
  expect(JSON.parse((await octavoHere('--json', ...args)).stderr)).toEqual({ error: message });
  other.close();
});

/** The name in the certificate that a server shows. */
async function certificateAt(url: string): Promise<unknown> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

it('reads its token again on SIGHUP in all processes, and a second signal ends them at once', {
  timeout: 120_000,
}, async () => {
  await writeFile(at('token'), 'first');
  const args = ['--workers', '2', '--token-file', at('token'), '--shutdown-delay', '600000', '--grpc', 'off'];
  const command = ['--import', 'tsx', 'lib/cli/main.ts', 'serve', file, '--port', '0', '--json', ...args];
  const server = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  server.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  server.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  await until(() => stdout.endsWith('}\n'));
  const { url, workers } = JSON.parse(stdout) as { url: string; workers: { pid: number }[] };
  // On connections of their own: each worker has one of two.
  const ask = (path: string, token: string) =>
    fetch(`${url}/v2${path}`, { headers: { authorization: `Bearer ${token}`, connection: 'close' } });
  const statusesOf = async (token: string) => [
    (await ask('/models/network', token)).status,
    (await ask('/models/network', token)).status,
  ];
  expect(await statusesOf('first')).toEqual([200, 200]);
  await writeFile(at('token'), 'two words');
  server.kill('SIGHUP');
  // One JSON object a line; those of the requests above may come after it.
  const line = () => /^.*SIGHUP.*$/m.exec(stderr.slice(0, stderr.lastIndexOf('\n') + 1))?.[0];
  await until(() => line() !== undefined);
  const refused = JSON.parse(line()!);
  expect(refused).toMatchObject({ level: 50 });
  expect(refused.msg).toContain(`SIGHUP: ${at('token')}: the token must have letters`);
  expect(await statusesOf('first')).toEqual([200, 200]);
  await writeFile(at('token'), 'second');
  for (const { pid } of [...workers, { pid: server.pid! }]) process.kill(pid, 'SIGHUP');
  await until(async () => (await statusesOf('second')).every((status) => status === 200));
  expect(await statusesOf('first')).toEqual([401, 401]);

  server.kill('SIGTERM');
  await until(async () => (await ask('/health/ready', '')).status === 503);
  expect(await statusesOf('second')).toEqual([200, 200]);
  server.kill('SIGINT');
  if (server.exitCode === null) await once(server, 'exit');
  expect(server.exitCode).toBe(130);
  await until(() => !workers.some(({ pid }) => isAlive(pid)));
});

it('logs on stderr, and reads its certificate again on SIGHUP', async () => {
  await writeCertificate('first');
  const tls = ['--tls-cert', at('tls.crt'), '--tls-key', at('tls.key')];
  const command = ['--import', 'tsx', 'lib/cli/main.ts', 'serve', file, '--port', '0', '--json', ...tls];
  const server = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void server.kill('SIGKILL'));
  let stdout = '';
  server.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const log = createInterface(server.stderr)[Symbol.asyncIterator]();
  const nextLine = async () => JSON.parse((await log.next()).value);
  const { msg } = await nextLine();
  expect(msg).toMatch(/^listening at https:/);
  const url = msg.replace('listening at ', '');
  expect(await certificateAt(url)).toBe('first');
  await expect.poll(() => stdout).toMatch(/\}\n$/);

  await writeFile(at('tls.key'), 'not yet there');
  server.kill('SIGHUP');
  expect(await nextLine()).toMatchObject({ level: 50, msg: expect.stringContaining('tls.key must hold') });
  expect(await certificateAt(url)).toBe('first');
  await writeCertificate('second');
  server.kill('SIGHUP');
  expect(await nextLine()).toMatchObject({ level: 30, msg: 'SIGHUP: the files of secrets are read again' });
  expect(await certificateAt(url)).toBe('second');

  server.kill('SIGTERM');
  expect(await nextLine()).toMatchObject({ msg: 'SIGTERM: not ready any more' });
  expect(await nextLine()).toMatchObject({ msg: 'all that was accepted is answered' });
  if (server.exitCode === null) await once(server, 'exit');
  expect(server.exitCode).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ url, grpcAddress: expect.any(String), models: ['network'] });
});
