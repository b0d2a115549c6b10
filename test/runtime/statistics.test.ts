import { describe, expect, it } from 'vitest';
import { SymInt } from '../../lib/graph/index.ts';
import { compile, type RunTiming } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { earlyAndLate, integerNetwork, lookups } from '../support/models.ts';
import { runningRequest } from '../support/running-request.ts';

const onOneThread = { streams: 1, threadsPerStream: 1 } as const;
const images = (count: number, seed = 1) => uniform([count, 16, 64, 64], -1, 1, seed);
const now = () => Number(process.hrtime.bigint());
const sum = (timings: readonly RunTiming[], name: 'queue' | 'input' | 'infer' | 'output') =>
  timings.reduce((total, timing) => total + timing[name], 0);

describe('statistics of a model', () => {
  it('are nothing before the first request', () => {
    using model = compile(integerNetwork(1), onOneThread);
    expect(model.statistics).toEqual({
      requests: 0,
      samples: 0,
      executions: 0,
      queue: 0,
      input: 0,
      infer: 0,
      output: 0,
      batches: new Map(),
    });
    expect(model.waiting).toBe(0);
  });

  it('count requests, samples and executions, and sum up what each took', async () => {
    const model = compile(integerNetwork(2), onOneThread);
    const timings: RunTiming[] = [];
    for (const count of [1, 2, 1]) {
      await model.warmup([count, 16, 64, 64]);
      const before = now();
      await model.run(images(count), { onTiming: (timing) => timings.push(timing) });
      const after = now();
      const { start, queue, input, infer, output, batchSize } = timings.at(-1)!;
      expect(batchSize).toBe(count);
      expect([input, output]).toEqual([0, 0]);
      expect(infer).toBeGreaterThan(0);
      expect(queue).toBeGreaterThan(0);
      // Numbers of nanoseconds this large are rounded.
      expect(start).toBeGreaterThan(before - 1000);
      expect(start + queue + infer).toBeLessThan(after + 1000);
    }
    const { statistics } = model;
    expect(statistics).toMatchObject({ requests: 3, samples: 4, executions: 3, input: 0, output: 0 });
    expect(statistics.queue).toBeCloseTo(sum(timings, 'queue'), 3);
    expect(statistics.infer).toBeCloseTo(sum(timings, 'infer'), 3);
    expect([...statistics.batches].map(([size, { executions }]) => [size, executions])).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(statistics.batches.get(2)?.infer).toBe(timings[1].infer);
    model.dispose();
    expect(model.statistics).toEqual(statistics);
  });

  it('of what is computed together count each request, and the execution once', async () => {
    const batching = { maxBatchSize: 4, maxQueueDelay: 10_000 };
    using model = compile(integerNetwork(2), { ...onOneThread, batching });
    await model.warmup([1, 16, 64, 64]);
    const timings: RunTiming[] = [];
    const onTiming = (timing: RunTiming) => timings.push(timing);
    await Promise.all([1, 2, 3, 4].map((seed) => model.run(images(1, seed), { onTiming })));
    const [{ input, infer, output }] = timings;
    for (const part of [input, infer, output]) expect(part).toBeGreaterThan(0);
    for (const timing of timings) expect(timing).toMatchObject({ batchSize: 4, input, infer, output });
    const { statistics } = model;
    expect(statistics).toMatchObject({ requests: 4, samples: 4, executions: 1 });
    expect([...statistics.batches]).toEqual([[4, { executions: 1, input, infer, output }]]);
    expect(statistics.infer).toBeCloseTo(4 * infer, 3);
    expect(statistics.queue).toBeCloseTo(sum(timings, 'queue'), 3);
  });

  it('tell how long a request waited for the one before, and that it waits', async () => {
    using model = compile(earlyAndLate(), onOneThread);
    const small = images(1);
    await model.warmup(small.shape);
    const { done } = await runningRequest(model);
    const timings: RunTiming[] = [];
    const waiting = [1, 2].map(() => model.run(small, { onTiming: (timing) => timings.push(timing) }));
    expect(model.waiting).toBe(2);
    await done;
    await Promise.all(waiting);
    expect(model.waiting).toBe(0);
    const [first, second] = timings;
    expect(second.start + second.queue).toBeGreaterThanOrEqual(
      first.start + first.queue + first.infer - 1000,
    );
    expect(second.queue).toBeGreaterThan(first.infer);
  });

  it('do not count what fails or is withdrawn', async () => {
    using model = compile(lookups(), onOneThread);
    const indices = (value: bigint) => new Tensor('int64', new BigInt64Array(256).fill(value), [1, 256]);
    await model.run(indices(7n));
    const told: RunTiming[] = [];
    const onTiming = (timing: RunTiming) => told.push(timing);
    await expect(model.run(indices(8n), { onTiming })).rejects.toThrow('index 8');
    await expect(model.run(indices(1n), { onTiming, signal: AbortSignal.abort() })).rejects.toThrow();
    expect(told).toEqual([]);
    expect(model.statistics).toMatchObject({ requests: 1, samples: 1, executions: 1 });
    expect(model.waiting).toBe(0);
  });

  it('are of requests, though a model of which values decide sizes executes several times for each', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', [8]);
    const found = b.call('aten.nonzero.default', x);
    const chosen = b.call('aten.index_select.default', x, 0, b.call('aten.select.int', found, 1, 0));
    using model = compile(b.finish(b.call('aten.mul.Scalar', chosen, 2)), onOneThread);
    const told: RunTiming[] = [];
    for (const ones of [2, 5]) {
      const x = Tensor.from(
        'float32',
        Array.from({ length: 8 }, (_, i) => Number(i < ones)),
        [8],
      );
      const [result] = Object.values(await model.run(x, { onTiming: (timing) => told.push(timing) }));
      expect(result.shape).toEqual([ones]);
    }
    const { requests, samples, executions, infer } = model.statistics;
    expect([requests, samples, executions]).toEqual([2, 2, 4]);
    expect(told).toHaveLength(2);
    expect(infer).toBeCloseTo(sum(told, 'infer'), 3);
  });

  it('tell sizes apart up to 1024 samples: clients choose them', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', [new SymInt(['s0']), 2]);
    using model = compile(b.finish(b.call('aten.relu.default', x)), onOneThread);
    for (const count of [1024, 1025, 1026]) await model.run(uniform([count, 2], -1, 1, 1));
    expect([...model.statistics.batches.keys()]).toEqual([1024]);
    expect(model.statistics).toMatchObject({ executions: 3, samples: 1024 + 1025 + 1026 });
  });
});
