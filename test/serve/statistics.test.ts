import { expect, it } from 'vitest';
import { ProtocolError } from '../../lib/serve/index.ts';
import { reasonOf } from '../../lib/serve/inference/run-failure.ts';
import { ask } from './client.ts';
import { askKnownRequests, holdingServer, saveNetwork } from './holding-server.ts';

interface Stats {
  readonly model_stats: readonly [
    {
      readonly last_inference: number;
      readonly inference_stats: Readonly<Record<string, { readonly count: number; readonly ns: number }>>;
      readonly batch_stats: readonly Readonly<Record<string, unknown>>[];
    },
  ];
}

const someTime = (count: number) => ({ count, ns: expect.any(Number) });
const never = { count: 0, ns: 0 };

it('tells what was asked of a model, in Triton’s words', async () => {
  const before = Date.now();
  await using holding = await holdingServer();
  const { server } = holding;
  await askKnownRequests(holding);
  const { status, json } = await ask(server, '/models/network/stats');
  expect(status).toBe(200);
  expect(json).toEqual({
    model_stats: [
      {
        name: 'network',
        version: '1',
        last_inference: expect.any(Number),
        inference_count: 8,
        execution_count: 1,
        inference_stats: {
          success: someTime(4),
          fail: someTime(3),
          queue: someTime(4),
          compute_input: someTime(4),
          compute_infer: someTime(4),
          compute_output: someTime(4),
          cache_hit: never,
          cache_miss: never,
        },
        batch_stats: [
          {
            batch_size: 8,
            compute_input: someTime(1),
            compute_infer: someTime(1),
            compute_output: someTime(1),
          },
        ],
      },
    ],
  });
  const [{ last_inference, inference_stats, batch_stats }] = (json as unknown as Stats).model_stats;
  expect(last_inference).toBeGreaterThanOrEqual(before);
  expect(last_inference).toBeLessThanOrEqual(Date.now());
  const { success, queue, compute_input, compute_infer, compute_output } = inference_stats;
  for (const { ns } of Object.values(inference_stats)) expect(Number.isSafeInteger(ns)).toBe(true);
  const computed = compute_input.ns + compute_infer.ns + compute_output.ns;
  expect(success.ns).toBeGreaterThan(queue.ns + computed);
  // Each of the four took the time of the one execution.
  const { ns } = batch_stats[0].compute_infer as { ns: number };
  expect(Math.abs(compute_infer.ns - 4 * ns)).toBeLessThanOrEqual(4);

  expect((await ask(server, '/models/network/versions/1/stats')).json).toEqual(json);
  expect((await ask(server, '/models/stats')).json).toEqual(json);
  expect(await ask(server, '/models/network/versions/2/stats')).toMatchObject({ status: 404 });
  expect(await ask(server, '/models/nothing/stats')).toMatchObject({ status: 404 });
});

it('goes on where a file is replaced, and begins anew with a new version', async () => {
  await using holding = await holdingServer();
  const { server, file, infer } = holding;
  await infer(8);
  const old = server.repository.model('network').model;
  await saveNetwork(file);
  await server.repository.load('network');
  expect(server.repository.model('network').model).not.toBe(old);
  await infer(8);
  const [stats] = server.repository.statistics;
  expect(stats.success.count).toBe(2);
  expect(stats.runs).toMatchObject({ requests: 2, samples: 16, executions: 2 });
  expect(stats.runs.infer).toBeGreaterThan(old.statistics.infer);
  await server.repository.unload('network');
  expect(server.repository.statistics).toEqual([]);
  await server.repository.load('network');
  expect(server.repository.statistics.map(({ success }) => success.count)).toEqual([0]);
});

it('knows whose fault a failure was', () => {
  const reasons = [400, 429, 499, 500, 503, 504].map((status) => reasonOf(new ProtocolError(status, 'no')));
  expect(reasons).toEqual(['OTHER', 'REJECTED', 'CANCELED', 'BACKEND', 'BACKEND', 'REJECTED']);
  expect(reasonOf(new TypeError('a fault of the server'))).toBe('BACKEND');
});
