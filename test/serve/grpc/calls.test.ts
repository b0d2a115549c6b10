import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type InferenceServer,
  ModelRepository,
  openHealthService,
  openInferenceService,
  serve,
} from '../../../lib/serve/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { bytesOf, saveNetwork } from '../client.ts';
import { GrpcClient } from './client.ts';

let folder: string;
let server: InferenceServer;
let client: GrpcClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-serve-'));
  await saveNetwork(join(folder, 'network.octavo'));
  server = await serve({ models: folder, port: 0, grpcPort: 0, version: '1.2.3' });
  client = new GrpcClient(server.grpcAddress!);
});
afterAll(async () => {
  client[Symbol.dispose]();
  await server.close();
  await rm(folder, { recursive: true });
});

describe('health and metadata', () => {
  const answers: readonly [string, object, object][] = [
    ['ServerLive', {}, { live: true }],
    ['ServerReady', {}, { ready: true }],
    [
      'ServerMetadata',
      {},
      { name: 'octavo', version: '1.2.3', extensions: ['model_repository', 'statistics'] },
    ],
    ['ModelReady', { name: 'network' }, { ready: true }],
    ['ModelReady', { name: 'network', version: '1' }, { ready: true }],
    ['ModelReady', { name: 'network', version: '2' }, { ready: false }],
    ['ModelReady', { name: 'no' }, { ready: false }],
    [
      'ModelMetadata',
      { name: 'network', version: '1' },
      {
        name: 'network',
        versions: ['1'],
        platform: 'octavo',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3, 8, 8] }],
        outputs: [{ name: 'linear_default', datatype: 'FP32', shape: [-1, 5] }],
      },
    ],
    ['RepositoryIndex', {}, { models: [{ name: 'network', version: '1', state: 'READY', reason: '' }] }],
  ];
  it.each(answers)('%s of %j', async (method, message, expected) => {
    expect((await client.ask(method, message)).message).toEqual(expected);
  });
});

describe('statistics', () => {
  it('count what was computed and what failed, of one model or of all', async () => {
    await using own = await serve({ models: folder, port: 0, grpcPort: 0 });
    using mine = new GrpcClient(own.grpcAddress!);
    const x = uniform([2, 3, 8, 8], -1, 1, 1);
    const inputs = [{ name: 'x', shape: x.shape, datatype: 'FP32' }];
    const message = { model_name: 'network', inputs, raw_input_contents: [bytesOf(x)] };
    for (let i = 0; i < 3; i++) expect((await mine.ask('ModelInfer', message)).code).toBe('OK');
    await mine.ask('ModelInfer', { ...message, inputs: [] });
    for (const asked of [{ name: 'network', version: '1' }, { name: 'network' }, {}]) {
      const { model_stats: all } = (await mine.ask('ModelStatistics', asked)).message;
      expect(all).toHaveLength(1);
      const [{ inference_stats: times, ...counts }] = all;
      expect(counts).toMatchObject({ name: 'network', version: '1', inference_count: 6, execution_count: 3 });
      expect(Math.abs(counts.last_inference - Date.now())).toBeLessThan(600_000);
      expect([times.success.count, times.fail.count, times.compute_infer.count]).toEqual([3, 1, 3]);
      // Of every request the time in the model is a part.
      expect(times.compute_infer.ns).toBeGreaterThan(0);
      expect(times.success.ns).toBeGreaterThan(times.compute_infer.ns);
      expect(counts.batch_stats).toMatchObject([{ batch_size: 2, compute_infer: { count: 3 } }]);
    }
    expect((await mine.ask('ModelStatistics', { name: 'no' })).code).toBe('NOT_FOUND');
  });
});

describe('with a token', () => {
  it('all but the health of the server is for those who show it', async () => {
    await using own = await serve({
      models: folder,
      port: 0,
      grpcPort: 0,
      token: 'a-long-secret-of-32-characters-xx',
    });
    using mine = new GrpcClient(own.grpcAddress!);
    const refused = { code: 'UNAUTHENTICATED', details: /authorization must be Bearer/ };
    for (const method of ['ModelInfer', 'ServerMetadata', 'RepositoryIndex', 'ModelStatistics']) {
      const answer = await mine.ask(method);
      expect(answer.code).toBe(refused.code);
      expect(answer.details).toMatch(refused.details);
      expect((await mine.ask(method, {}, { token: 'another' })).code).toBe(refused.code);
    }
    for (const method of ['ServerLive', 'ServerReady', 'Check'])
      expect((await mine.ask(method)).code).toBe('OK');
    const shown = await mine.ask('ServerMetadata', {}, { token: 'a-long-secret-of-32-characters-xx' });
    expect(shown.message.name).toBe('octavo');
  });
});

describe('in a server of yours', () => {
  it('loads and unloads models, which health tells', async () => {
    await using repository = await ModelRepository.open(folder);
    const own = new Server();
    const health = openHealthService({ repository });
    for (const { definition, handlers } of [
      openInferenceService({ repository, modelControl: 'explicit', serverName: 'mine' }),
      health,
    ])
      own.addService(definition, handlers);
    const port = await new Promise<number>((resolve, reject) =>
      own.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    using mine = new GrpcClient(`127.0.0.1:${port}`);
    const codeOf = async (method: string, message: object) => (await mine.ask(method, message)).code;
    try {
      expect((await mine.ask('ServerMetadata')).message.name).toBe('mine');
      expect(await codeOf('RepositoryModelUnload', { model_name: 'network' })).toBe('OK');
      expect(repository.names).toEqual([]);
      const index = await mine.ask('RepositoryIndex');
      expect(index.message.models).toMatchObject([{ name: 'network', state: 'UNAVAILABLE' }]);
      expect((await mine.ask('RepositoryIndex', { ready: true })).message.models).toEqual([]);
      expect(await codeOf('Check', { service: 'network' })).toBe('NOT_FOUND');
      expect(await codeOf('RepositoryModelLoad', { model_name: 'network' })).toBe('OK');
      expect((await mine.ask('Check', { service: 'network' })).message).toEqual({ status: 'SERVING' });
      expect(await codeOf('RepositoryModelLoad', { model_name: 'no' })).toBe('INVALID_ARGUMENT');
      const parameters = { config: { string_param: '{}' } };
      const overridden = await mine.ask('RepositoryModelLoad', { model_name: 'network', parameters });
      expect(overridden.details).toContain('load: parameters.config: a model is loaded as its file');
    } finally {
      health.close();
      own.forceShutdown();
    }
  });

  it('refuses a model control that there is not', async () => {
    await using repository = await ModelRepository.open(folder);
    const modelControl = 'poll' as 'none';
    expect(() => openInferenceService({ repository, modelControl })).toThrow(
      "must be 'none' or 'explicit', got 'poll'",
    );
  });
});
