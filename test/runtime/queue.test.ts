import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { compile, QueueFullError } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { convNet, earlyAndLate, slowNet } from '../support/models.ts';
import { runningRequest } from '../support/running-request.ts';

const images = (batch: number) => uniform([batch, 16, 64, 64], -1, 1, batch);
const onOneThread = { streams: 1, threadsPerStream: 1 } as const;

/** The numbers of requests, as their promises are fulfilled. */
async function orderOf(requests: readonly Promise<unknown>[]): Promise<number[]> {
  const order: number[] = [];
  await Promise.all(requests.map((request, i) => request.then(() => order.push(i))));
  return order;
}

describe('requests', () => {
  it('start in the order they came', async () => {
    using model = compile(slowNet(4), onOneThread);
    const batches = [1, 2, 1, 3, 3, 1, 2, 1];
    for (const batch of new Set(batches)) await model.warmup([batch, 16, 64, 64]);
    const order = await orderOf(batches.map((batch) => model.run(images(batch))));
    expect(order).toEqual(batches.map((_, i) => i));
  });

  it('keep their place in the queue while their plan is compiled', async () => {
    using model = compile(slowNet(), onOneThread);
    await model.warmup([1, 16, 64, 64]);
    const [known, unknown] = [images(1), images(2)];
    const order = await orderOf([known, unknown, ...Array(10).fill(known)].map((x) => model.run(x)));
    // Overtaken only by those that start before the event loop hears of the plan; at the end of the queue it would be 11th.
    expect(order.indexOf(1)).toBeLessThan(6);
    expect(order.filter((i) => i !== 1)).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('resolve as they complete', async () => {
    using model = compile(slowNet(), { streams: 2, threadsPerStream: 1 });
    await model.warmup([16, 16, 64, 64], [1, 16, 64, 64]);
    const order = await orderOf([16, 1, 1].map((batch) => model.run(images(batch))));
    expect(order).toEqual([1, 2, 0]);
  });

  it('of several models run side by side', async () => {
    const models = [onOneThread, { streams: 2, threadsPerStream: 1 }, { threadsPerStream: 2 }].map(
      (options) => compile(convNet(), options),
    );
    const x = uniform([3, 3, 8, 8], -1, 1, 1);
    const [expected] = models.map((model) => model.runSync(x).linear_default.toArray());
    const results = await Promise.all(
      Array.from({ length: 150 }, (_, i) => models[i % models.length].run(x)),
    );
    // The sums are the same whatever the number of threads, perhaps in another order.
    for (const { linear_default: y } of results)
      y.toArray().forEach((value, i) => {
        expect(Math.abs(value - expected[i])).toBeLessThan(1e-4);
      });
    for (const model of models) model.dispose();
  });

  it('are refused when too many wait, and let in again when there is room', async () => {
    using model = compile(earlyAndLate(), { ...onOneThread, maxQueue: 2 });
    const { done } = await runningRequest(model);
    const x = images(4);
    const waiting = [model.run(x), model.run(x)];
    const refused = model.run(x);
    await expect(refused).rejects.toThrow('run: the queue is full: 1 requests run and 2 wait (maxQueue)');
    await expect(refused).rejects.toBeInstanceOf(QueueFullError);
    await expect(refused).rejects.toMatchObject({ code: 'ERR_OCTAVO_QUEUE_FULL', name: 'QueueFullError' });
    await done;
    await model.run(x);
    await Promise.all(waiting);
  });

  it('that fail or are aborted make room, too', async () => {
    using model = compile(earlyAndLate(4), { ...onOneThread, maxQueue: 0 });
    const x = images(1);
    for (let i = 0; i < 3; i++) {
      await expect(model.run(x, { outputs: [x, x] })).rejects.toThrow('shares memory');
      const controller = new AbortController();
      const request = model.run(images(2 + i), { signal: controller.signal });
      controller.abort(new Error('changed my mind'));
      await expect(request).rejects.toThrow('changed my mind');
    }
    await model.run(x);
    await expect(Promise.all([model.run(x), model.run(x)])).rejects.toThrow(QueueFullError);
  });

  it.each([-1, 0.5, NaN, '3'])('cannot wait in a queue of %s', (maxQueue) => {
    expect(() => compile(convNet(), { maxQueue: maxQueue as number })).toThrow(
      `maxQueue must be a non-negative integer or Infinity, got ${maxQueue}`,
    );
  });
});

describe('an AbortSignal', () => {
  it('takes back a request that waits, and no other', async () => {
    using model = compile(earlyAndLate(), onOneThread);
    const { done } = await runningRequest(model);
    const x = images(4);
    const controller = new AbortController();
    const { signal } = controller;
    const y = new Tensor('float32', new Float32Array(x.numel).fill(7), x.shape);
    const request = model.run(x, { signal, outputs: [y, y.clone()] });
    const other = model.run(x);
    const reason = { why: 'the client has gone' };
    controller.abort(reason);
    await expect(request).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await Promise.all([done, other]);
    expect(y.data.every((value) => value === 7)).toBe(true);
  });

  it('lets a request that runs complete', async () => {
    using model = compile(earlyAndLate(), onOneThread);
    const controller = new AbortController();
    const { done, late } = await runningRequest(model, controller.signal);
    controller.abort();
    expect(late.data.some(Number.isNaN)).toBe(true); // it ran still
    await done;
    expect(late.toArray()).toEqual(Object.values(model.runSync(images(16)))[1].toArray());
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('takes back a request whose plan is being compiled; the plan stays', async () => {
    using model = compile(slowNet(), onOneThread);
    const x = images(2);
    const controller = new AbortController();
    const { signal } = controller;
    const requests = [model.run(x, { signal }), model.run(x, { signal }), model.run(x)];
    controller.abort();
    for (const request of requests.slice(0, 2)) await expect(request).rejects.toBe(signal.reason);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await requests[2];
  });

  it('that was aborted before refuses the request', async () => {
    using model = compile(convNet());
    const x = uniform([1, 3, 8, 8], -1, 1, 1);
    await expect(model.run(x, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    await expect(model.run(x, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is not listened to after the request, which it does not change', async () => {
    using model = compile(convNet());
    const { signal } = new AbortController();
    const x = uniform([1, 3, 8, 8], -1, 1, 1);
    const { linear_default: y } = await model.run(x, { signal });
    expect(y.toArray()).toEqual(model.runSync(x).linear_default.toArray());
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('is nothing else', async () => {
    using model = compile(convNet());
    const x = uniform([1, 3, 8, 8], -1, 1, 1);
    for (const signal of [1, null, {}, new AbortController()])
      await expect(model.run(x, { signal: signal as AbortSignal })).rejects.toThrow(
        'run: signal must be an AbortSignal, got ',
      );
  });
});

describe('dispose', () => {
  it('finishes what runs, and rejects what waits or is being compiled for', async () => {
    const model = compile(earlyAndLate(), onOneThread);
    const { done, late } = await runningRequest(model);
    const { signal } = new AbortController();
    const waiting = [model.run(images(4), { signal }), model.run(images(3))];
    model.dispose();
    for (const request of waiting) await expect(request).rejects.toThrow(/disposed/);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await done;
    expect(late.data.some(Number.isNaN)).toBe(false);
  });
});
