import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../lib/runtime/index.ts';
import { GrpcClient } from '../serve/grpc/client.ts';
import { uniform } from '../support/graph-builder.ts';
import { slowNet } from '../support/models.ts';
import { octavoHere } from './octavo.ts';

describe('octavo serve', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
    file = join(folder, 'slow.octavo');
    using model = compile(slowNet(12));
    await model.save(file);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Waits for the line that says where it listens. */
  async function started(...args: string[]): Promise<{
    server: ChildProcess;
    url: string;
    grpcAddress?: string;
    stderr: () => string;
  }> {
    const given = ['serve', file, '--port', '0', '--json', '--log-level', 'silent', ...args];
    const command = ['--import', 'tsx', 'lib/cli/main.ts', ...given];
    const server = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [text, errors] = ['', ''];
    server.stderr!.on('data', (chunk) => {
      errors += chunk;
    });
    for await (const chunk of server.stdout!) {
      text += chunk;
      if (text.endsWith('}\n')) break;
    }
    return { server, stderr: () => errors, ...JSON.parse(text) };
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'answers what it has accepted when it gets %s, and exits with 0',
    async (signal) => {
      const { server, url, grpcAddress } = await started(
        '--max-batch-size',
        '4',
        '--threads',
        '1',
        '--shutdown-delay',
        '2000',
        '--grpc',
        'off',
      );
      expect(grpcAddress).toBeUndefined();
      const image = uniform([1, 16, 64, 64], -1, 1, 1);
      const body = JSON.stringify({
        inputs: [{ name: 'x', shape: image.shape, datatype: 'FP32', data: image.toArray() }],
      });
      const infer = () => fetch(`${url}/v2/models/slow/infer`, { method: 'POST', body });
      await (await infer()).arrayBuffer();
      const requests = Array.from({ length: 8 }, infer);
      await new Promise((resolve) => setTimeout(resolve, 50));
      server.kill(signal);
      for (const response of await Promise.all(requests)) {
        expect([200, 503]).toContain(response.status);
        await response.arrayBuffer();
      }
      if (server.exitCode === null) await once(server, 'exit');
      expect(server.exitCode).toBe(0);
    },
  );

  it.each([
    [['--port', '70000'], '--port must be a whole number from 0 to 65535, got 70000'],
    [['--grpc-port', 'on'], '--grpc-port must be a whole number from 0 to 65535'],
    [['--port', '65535'], 'there is no port after --port 65535 for gRPC; name one as --grpc-port, or'],
    [['--port', '8000', '--grpc-port', '8000'], '--port and --grpc-port are both 8000'],
    [['--model-control', 'poll'], '--model-control must be one of none, explicit, got "poll"'],
    [['--workers', '0'], '--workers must be a whole number'],
    [['--body-limit', '0'], '--body-limit must be a whole number from 1 to 4095, got 0'],
    [['--max-queue-delay', '5'], '--max-queue-delay needs --max-batch-size'],
    [['--max-queue-delay', '-1', '--max-batch-size', '2'], '--max-queue-delay must be a number from 0 to'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await octavoHere('serve', file, ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it('lets clients load models, and has the limit that it is told', async () => {
    const { server, url, grpcAddress } = await started('--model-control', 'explicit', '--body-limit', '1');
    const post = (path: string, body: Uint8Array) => fetch(`${url}/v2/${path}`, { method: 'POST', body });
    expect((await post('repository/models/slow/load', Buffer.from('{}'))).status).toBe(200);
    expect((await post('models/slow/infer', Buffer.alloc(2 ** 20, ' '))).status).toBe(400);
    expect((await post('models/slow/infer', Buffer.alloc(2 ** 20 + 1, ' '))).status).toBe(413);
    using client = new GrpcClient(grpcAddress!);
    expect((await client.ask('RepositoryModelLoad', { model_name: 'slow' })).code).toBe('OK');
    const large = { model_name: 'slow', raw_input_contents: [Buffer.alloc(2 ** 20)] };
    expect((await client.ask('ModelInfer', large)).code).toBe('RESOURCE_EXHAUSTED');
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
    expect(server.exitCode).toBe(0);
  });

  it('writes nothing but its log on stderr, whatever metadata clients send', async () => {
    const { server, grpcAddress, stderr } = await started();
    const session = connect(`http://${grpcAddress}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ServerLive',
      'content-type': 'application/grpc',
      'x-latin': '\xff',
    });
    stream.resume().end(Buffer.alloc(5));
    await once(stream, 'close');
    session.close();
    server.kill('SIGTERM');
    await once(server, 'close');
    expect(stderr()).toBe('');
  });

  it('serves in several processes', { timeout: 180_000 }, async () => {
    const { server, url } = await started('--workers', '2', '--threads', '1');
    expect(await (await fetch(`${url}/v2/health/ready`)).json()).toEqual({ ready: true });
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
    expect(server.exitCode).toBe(0);
  });

  it('refuses more processes than CPUs', async () => {
    const { code, stderr } = await octavoHere('serve', file, '--workers', '4096');
    expect(stderr).toMatch(/4096 processes are more than the \d+ CPUs that this one may use/);
    expect(code).toBe(1);
  });

  it('says which model cannot be served', async () => {
    const { code, stderr } = await octavoHere('serve', join(folder, 'none'));
    expect(stderr).toContain('ENOENT');
    expect(code).toBe(1);
  });
});
