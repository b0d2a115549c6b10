import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { uniform } from '../../support/graph-builder.ts';
import { saveNetwork } from '../client.ts';
import { GrpcClient } from '../grpc/client.ts';
import { parsePrometheusText } from '../prometheus-text.ts';
import { isAlive, TestServer, until } from './worker-server.ts';

let folder: string;
let models: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-workers-'));
  models = join(folder, 'network.octavo');
  await saveNetwork(models);
});
afterAll(() => rm(folder, { recursive: true }));

type Times = Readonly<Record<'success' | 'fail' | 'queue', { readonly count: number }>>;
type Stats = readonly [{ readonly inference_stats: Times; readonly batch_stats: unknown }];

const x = uniform([1, 3, 8, 8], -1, 1, 1);
const inputs = [{ name: 'x', shape: x.shape, datatype: 'FP32', data: x.toArray() }];

it('two workers count as one', { timeout: 180_000 }, async () => {
  await using server = await TestServer.start({ models, grpcPort: 0 });
  using client = new GrpcClient(server.grpcAddress!);
  // A connection for each: they are dealt out in turn.
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, { ...init, headers: { connection: 'close' } });
  const infer = async (of: readonly unknown[], status: number) => {
    const body = JSON.stringify({ inputs: of });
    const answer = await ask('/v2/models/network/infer', { method: 'POST', body });
    expect(answer.status).toBe(status);
    await answer.arrayBuffer();
  };
  const scrape = async () => parsePrometheusText(await (await ask('/metrics')).text());
  const successes = async () => {
    const samples = (await scrape()).get('nv_inference_request_success')!.samples;
    expect(samples.map(({ labels }) => labels)).toEqual([{ model: 'network', version: '1' }]);
    return samples[0].value;
  };
  for (let i = 0; i < 5; i++) await infer(inputs, 200);
  for (let i = 0; i < 3; i++) await infer([], 400);
  // Whichever answers.
  for (let i = 0; i < 2; i++) {
    const families = await scrape();
    const valuesOf = (name: string) => families.get(name)!.samples.map(({ value }) => value);
    expect(valuesOf('nv_inference_request_success')).toEqual([5]);
    expect(valuesOf('nv_inference_request_failure')).toEqual([0, 0, 0, 3]);
    expect(valuesOf('octavo_inference_duration_seconds').filter((each) => each === 5)).not.toEqual([]);
    const labels = ['primary', 'worker-1', 'worker-2'].map((process) => ({ process }));
    expect(families.get('process_resident_memory_bytes')!.samples.map((each) => each.labels)).toEqual(labels);
    expect(valuesOf('octavo_process_up')).toEqual([1, 1, 1]);
    for (const path of ['/v2/models/stats', '/v2/models/network/versions/1/stats']) {
      const { model_stats } = (await (await ask(path)).json()) as { model_stats: Stats };
      const [{ inference_stats: stats, batch_stats, ...counts }] = model_stats;
      expect(counts).toMatchObject({ name: 'network', inference_count: 5, execution_count: 5 });
      expect([stats.success.count, stats.fail.count, stats.queue.count]).toEqual([5, 3, 5]);
      expect(batch_stats).toMatchObject([{ batch_size: 1, compute_infer: { count: 5 } }]);
    }
    const { message } = await client.ask('ModelStatistics', { name: 'network' });
    expect(message.model_stats).toMatchObject([{ inference_count: 5, execution_count: 5 }]);
  }

  const [first, second] = await server.pids();
  const replaced = async (pid: number) => {
    await until(async () => !isAlive(pid) && !(await server.pids()).includes(pid));
    await until(async () => (await scrape()).get('octavo_process_up')!.samples.length === 3);
  };
  process.kill(first, 'SIGKILL');
  await replaced(first);
  expect(await successes()).toBe(5);
  for (let i = 0; i < 4; i++) await infer(inputs, 200);
  // It tells its last word when it ends in peace.
  process.kill(second, 'SIGTERM');
  await replaced(second);
  expect(await successes()).toBe(9);

  // One that hangs, which gets every second connection.
  const [hanging] = await server.pids();
  process.kill(hanging, 'SIGSTOP');
  const ups = await Promise.any(
    [1, 2].map(async () => (await scrape()).get('octavo_process_up')!.samples.map(({ value }) => value)),
  );
  expect(ups).toEqual([1, 0, 1]);
});
