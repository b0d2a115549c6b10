import fastify from 'fastify';
import { register } from 'prom-client';
import { expect, it } from 'vitest';
import { metrics, metricsOf } from '../../lib/serve/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { ask } from './client.ts';
import { askKnownRequests, holdingServer, saveNetwork, until } from './holding-server.ts';
import { type Family, parsePrometheusText } from './prometheus-text.ts';

async function scrape(url: string): Promise<ReadonlyMap<string, Family>> {
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parsePrometheusText(await response.text());
}

const ofNetwork = { model: 'network', version: '1' };

it('tells Prometheus what was asked of a model', async () => {
  await using holding = await holdingServer();
  const { url } = holding.server;
  await askKnownRequests(holding);
  // Neither is a request for inference.
  for (const path of ['/health/ready', '/models/network', '/models/network/ready'])
    await ask(holding.server, path);
  await scrape(url);
  const families = await scrape(url);
  const samplesOf = (name: string) => families.get(name)?.samples ?? [];
  const numberOf = (name: string) => {
    const samples = samplesOf(name);
    expect(samples.map(({ labels }) => labels)).toEqual([ofNetwork]);
    return samples[0].value;
  };
  expect(numberOf('nv_inference_request_success')).toBe(4);
  expect(numberOf('nv_inference_count')).toBe(8);
  expect(numberOf('nv_inference_exec_count')).toBe(1);
  expect(numberOf('nv_inference_pending_request_count')).toBe(0);
  const reasons = samplesOf('nv_inference_request_failure');
  expect(reasons.map(({ labels, value }) => [labels.reason, value])).toEqual([
    ['REJECTED', 1],
    ['CANCELED', 1],
    ['BACKEND', 0],
    ['OTHER', 1],
  ]);
  // The same as the statistics extension tells, in microseconds.
  const { json } = await ask(holding.server, '/models/network/stats');
  const [{ inference_stats: stats }] = json.model_stats as [Record<string, Record<string, { ns: number }>>];
  for (const [name, { ns }] of [
    ['request', stats.success],
    ['queue', stats.queue],
    ['compute_input', stats.compute_input],
    ['compute_infer', stats.compute_infer],
    ['compute_output', stats.compute_output],
  ] as const)
    expect(Math.abs(numberOf(`nv_inference_${name}_duration_us`) - ns / 1000)).toBeLessThan(0.01);

  const linesOf = (name: string, more: Record<string, string> = {}) => {
    const wanted = Object.entries({ ...ofNetwork, ...more });
    return samplesOf(name).filter(({ labels }) => wanted.every(([label, text]) => labels[label] === text));
  };
  const sizes = linesOf('octavo_batch_size').map(({ name, labels, value }) => [labels.le ?? name, value]);
  expect(sizes).toEqual([
    ...['1', '2', '4'].map((le) => [le, 0]),
    ...['8', '16', '32', '64', '128', '256', '512', '1024', '+Inf'].map((le) => [le, 1]),
    ['octavo_batch_size_sum', 8],
    ['octavo_batch_size_count', 1],
  ]);
  for (const [protocol, requests] of [
    ['rest', 4],
    ['grpc', 0],
  ] as const) {
    const [sum, count] = linesOf('octavo_inference_duration_seconds', { protocol }).slice(-2);
    expect(count.value).toBe(requests);
    expect(Math.abs(sum.value - (requests && stats.success.ns / 1e9))).toBeLessThan(1e-6);
  }
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_p99_seconds',
  ])
    expect(families.has(name), name).toBe(true);
});

it('tells what waits, and forgets a version when its last request is answered', async () => {
  await using holding = await holdingServer();
  const { server, infer } = holding;
  const { model } = server.repository.model('network');
  const waiting = infer(1);
  await until(() => model.waiting === 1);
  const pending = async () =>
    (await scrape(server.url)).get('nv_inference_pending_request_count')?.samples.map(({ value }) => value);
  expect(await pending()).toEqual([1]);
  const unloaded = server.repository.unload('network');
  await until(() => server.repository.names.length === 0);
  expect(await pending()).toEqual([1]);
  // What is not served any more still completes its batch.
  await Promise.all([model.run(uniform([7, 16, 64, 64], -1, 1, 1)), waiting]);
  await unloaded;
  expect(await pending()).toEqual([]);
});

it('counts on where a file is replaced', async () => {
  await using holding = await holdingServer();
  const { server, infer } = holding;
  await infer(8);
  await saveNetwork(holding.file);
  await server.repository.load('network');
  await infer(8);
  const families = await scrape(server.url);
  expect(families.get('nv_inference_request_success')?.samples).toMatchObject([
    { labels: ofNetwork, value: 2 },
  ]);
  expect(families.get('nv_inference_exec_count')?.samples).toMatchObject([{ labels: ofNetwork, value: 2 }]);
});

it('can be mounted anywhere, with registries of its own', async () => {
  await using holding = await holdingServer();
  const { repository } = holding.server;
  await using app = fastify();
  await app.register(metrics, { repository, prefix: '/internal' });
  const answer = await app.inject('/internal/metrics');
  expect(answer.body).toContain('nv_inference_request_success{model="network",version="1"} 0');
  expect(register.getMetricsAsArray()).toEqual([]);
  // As processes send each other, to be summed up.
  const json = await metricsOf(repository).getMetricsAsJSON();
  const sizes = json.find(({ name }) => name === 'octavo_batch_size')!;
  expect(sizes.values.at(-1)).toMatchObject({
    metricName: 'octavo_batch_size_count',
    labels: ofNetwork,
    value: 0,
  });
});
