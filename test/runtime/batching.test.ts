import { describe, expect, it } from 'vitest';
import { type GraphModule, SymInt } from '../../lib/graph/index.ts';
import { quantizeDynamic } from '../../lib/recipes/index.ts';
import {
  type BatchingOptions,
  type CompiledModel,
  type CompileOptions,
  compile,
} from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, random, uniform } from '../support/graph-builder.ts';
import { earlyAndLate, integerNetwork, lookups, slowNet, twoInputs } from '../support/models.ts';
import { runningRequest } from '../support/running-request.ts';

const onOneThread = { streams: 1, threadsPerStream: 1 } as const;
const images = (count: number, seed: number) => uniform([count, 16, 64, 64], -1, 1, seed);
const batching: BatchingOptions = { maxBatchSize: 8 };

const bytesOf = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Runs all at once, and checks that each has the bits that it has alone, in another model without batching. */
async function expectSameAsAlone(
  make: (options: CompileOptions) => CompiledModel | Promise<CompiledModel>,
  options: CompileOptions,
  inputs: readonly (readonly Tensor[])[],
): Promise<ReadonlyMap<number, number>> {
  using alone = await make(options);
  // With a delay they are computed together however slowly they come.
  using together = await make({ ...options, batching: { ...batching, maxQueueDelay: 50 } });
  for (const { shape } of inputs.map(([first]) => first))
    await together.warmup(together.inputs.length === 1 ? shape : { p: shape, q: shape });
  const expected: Record<string, Tensor>[] = [];
  for (const input of inputs) expected.push(await alone.run(input));
  const results = await Promise.all(inputs.map((input) => together.run(input)));
  for (const [i, result] of results.entries())
    for (const [name, tensor] of Object.entries(result)) {
      expect(tensor.shape).toEqual(expected[i][name].shape);
      expect(bytesOf(tensor).equals(bytesOf(expected[i][name])), `request ${i}, ${name}`).toBe(true);
    }
  return together.batches;
}

const total = (batches: ReadonlyMap<number, number>) =>
  [...batches].reduce((sum, [size, count]) => sum + size * count, 0);

describe('batching', () => {
  const cases: readonly [string, () => GraphModule, CompileOptions, 'whole' | 'parts' | 'none'][] = [
    ['8-bit layers on one thread', () => integerNetwork(3), onOneThread, 'whole'],
    ['8-bit layers on two threads', () => integerNetwork(3), { streams: 1, threadsPerStream: 2 }, 'whole'],
    ['8-bit layers on two streams', () => integerNetwork(3), { streams: 2, threadsPerStream: 1 }, 'whole'],
    ['float layers on one thread', () => slowNet(3), onOneThread, 'parts'],
    ['float layers on two threads', () => slowNet(3), { streams: 1, threadsPerStream: 2 }, 'none'],
  ];
  it.each(cases)('gives the bits that each request has alone: %s', async (_, network, options, way) => {
    const module = network();
    const next = random(3);
    const sizes = Array.from({ length: 40 }, () => (way === 'whole' ? 1 + Math.floor(3 * next()) : 1));
    const inputs = sizes.map((size, i) => [images(size, i)]);
    const batches = await expectSameAsAlone((given) => compile(module, given), options, inputs);
    const samples = sizes.reduce((sum, size) => sum + size, 0);
    expect(total(batches)).toBe(samples);
    if (way === 'none') expect([...batches]).toEqual([[1, 40]]);
    else {
      expect(Math.max(...batches.keys())).toBeGreaterThan(3); // no request is as large
      expect(Math.max(...batches.keys())).toBeLessThanOrEqual(8);
    }
  });

  it('also of float layers whose batch is computed in parts when it is alone', async () => {
    const module = slowNet(3);
    using whole = compile(module, onOneThread);
    const size = [16, 24, 32].find((count) => whole.plan([count, 16, 64, 64]).parts > 1)!;
    expect(size).toBeDefined();
    const inputs = Array.from({ length: 4 }, (_, i) => [images(size, i)]);
    const batches = await expectSameAsAlone((given) => compile(module, given), onOneThread, inputs);
    expect(Math.max(...batches.keys())).toBeGreaterThan(1);
  });

  it('of requests whose samples are no power of two', async () => {
    using model = compile(integerNetwork(2), {
      ...onOneThread,
      batching: { maxBatchSize: 16, maxQueueDelay: 50 },
    });
    await model.warmup([3, 16, 64, 64]);
    const inputs = Array.from({ length: 30 }, (_, i) => images(3, i));
    await Promise.all(inputs.map((x) => model.run(x)));
    expect([...model.batches.keys()].every((size) => size % 3 === 0)).toBe(true);
    expect(Math.max(...model.batches.keys())).toBe(12);
  });

  it('keeps the plans of the shapes that are used', async () => {
    // Width and height are fixed here, so shapes differ by their batch: floats, each of which is a group.
    using model = compile(slowNet(1), { ...onOneThread, batching: { maxBatchSize: 2 } });
    const hot = images(1, 1);
    await model.warmup(hot.shape);
    for (let count = 2; count < 24; count++) {
      await model.warmup([count, 16, 64, 64]);
      await model.run(hot);
    }
    const before = model.batches.get(2) ?? 0;
    // While it runs, those that follow are queued.
    const long = model.run(uniform([23, 16, 64, 64], -1, 1, 2));
    await Promise.all([long, ...Array.from({ length: 20 }, () => model.run(hot))]);
    expect(model.batches.get(2)).toBeGreaterThan(before + 5);
  });

  it('also of several inputs and outputs', async () => {
    const module = twoInputs();
    const inputs = Array.from({ length: 30 }, (_, i) => [
      uniform([1 + (i % 3), 4], -1, 1, i),
      uniform([1 + (i % 3), 4], -1, 1, 100 + i),
    ]);
    const batches = await expectSameAsAlone((given) => compile(module, given), onOneThread, inputs);
    expect(total(batches)).toBe(60);
  });

  it('also where scales are chosen from all of an input', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', [new SymInt(['s0']), 64]);
    const module = b.finish(
      b.call(
        'aten.relu.default',
        b.call('aten.linear.default', x, b.parameter('w', [32, 64]), b.parameter('b', [32])),
      ),
    );
    // Each request's own range: together they would all have the widest.
    const inputs = Array.from({ length: 30 }, (_, i) => [uniform([2, 64], -1 - i, 1 + i, i)]);
    const batches = await expectSameAsAlone((given) => quantizeDynamic(module, given), onOneThread, inputs);
    expect(Math.max(...batches.keys())).toBeGreaterThan(1);
  });

  it('never mixes shapes, and starts the oldest first', async () => {
    using model = compile(earlyAndLate(), { ...onOneThread, batching });
    const [small, large] = [images(1, 1), images(2, 2)];
    for (const { shape } of [small, large]) await model.warmup(shape);
    const { done } = await runningRequest(model);
    const order: string[] = [];
    const submit = (name: string, x: Tensor) =>
      model.run(x).then((results) => {
        order.push(name);
        expect(Object.values(results)[0].shape).toEqual(x.shape);
      });
    const requests = ['a', 'a', 'b', 'a', 'b'].map((name) => submit(name, name === 'a' ? small : large));
    await Promise.all([done, ...requests]);
    // The first takes along two more of its shape; the third, which waits alone, has no plan for three.
    expect(order.join('')).toMatch(/^aa(bba|abb)$/);
  });

  it('fails those alone that fail', async () => {
    using model = compile(lookups(), { ...onOneThread, batching });
    const indices = (value: bigint) => new Tensor('int64', new BigInt64Array(256).fill(value), [1, 256]);
    await model.warmup([1, 256]);
    const requests = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => model.run(indices(i % 10 === 7 ? 8n : BigInt(i % 8)))),
    );
    for (const [i, request] of requests.entries()) {
      expect(request.status, `request ${i}`).toBe(i % 10 === 7 ? 'rejected' : 'fulfilled');
      if (request.status === 'rejected') expect(request.reason.message).toMatch(/index 8/);
    }
    const alone = await model.run(indices(3n));
    const { value } = requests[3] as PromiseFulfilledResult<Record<string, Tensor>>;
    expect(bytesOf(Object.values(value)[0]).equals(bytesOf(Object.values(alone)[0]))).toBe(true);
  });

  it('writes to the tensors that a request brings, and to no other', async () => {
    using model = compile(integerNetwork(2), { ...onOneThread, batching });
    await model.warmup([1, 16, 64, 64]);
    const inputs = Array.from({ length: 8 }, (_, i) => images(1, i));
    const expected = await Promise.all(inputs.map((x) => model.run(x)));
    const outputs = inputs.map((x) => uniform(x.shape, 7, 8, 1));
    const results = await Promise.all(inputs.map((x, i) => model.run(x, { outputs: outputs[i] })));
    for (const [i, output] of outputs.entries()) {
      const [result] = Object.values(results[i]);
      expect(result.data.buffer).toBe(output.data.buffer);
      expect(bytesOf(output).equals(bytesOf(Object.values(expected[i])[0]))).toBe(true);
    }
  });

  it('makes plans for batches while requests come, without a warmup', async () => {
    using model = compile(integerNetwork(2), { ...onOneThread, batching: { maxBatchSize: 4 } });
    const inputs = Array.from({ length: 32 }, (_, i) => images(1, i % 4));
    while (Math.max(...model.batches.keys()) < 4) await Promise.all(inputs.map((x) => model.run(x)));
  });

  it('lets go a request that is withdrawn, and not the others', async () => {
    using model = compile(earlyAndLate(), { ...onOneThread, batching });
    await model.warmup([1, 16, 64, 64]);
    const { done } = await runningRequest(model);
    const controller = new AbortController();
    const [first, second, third] = [0, 1, 2].map((i) =>
      model.run(images(1, i), i === 1 ? { signal: controller.signal } : {}),
    );
    controller.abort('the client has gone');
    await expect(second).rejects.toBe('the client has gone');
    await Promise.all([done, first, third]);
  });

  it('starts requests of a lower priority number first', async () => {
    for (const options of [onOneThread, { ...onOneThread, batching }]) {
      using model = compile(earlyAndLate(), options);
      const shapes = [1, 2, 3].map((count) => images(count, 1));
      for (const { shape } of shapes) await model.warmup(shape);
      const { done } = await runningRequest(model);
      const order: number[] = [];
      const submit = (count: number, priority?: number) =>
        model
          .run(shapes[count - 1], priority === undefined ? {} : { priority })
          .then(() => order.push(count));
      await Promise.all([done, submit(1, 200), submit(2), submit(3, 0)]);
      expect(order).toEqual([3, 2, 1]);
    }
  });

  it.each([-1, 256, 1.5, '1', Number.NaN])('knows no priority %s', async (priority) => {
    using model = compile(twoInputs(), onOneThread);
    const x = uniform([1, 4], -1, 1, 1);
    await expect(model.run([x, x], { priority: priority as number })).rejects.toThrow(
      `run: priority must be a whole number from 0 to 255, got ${priority}`,
    );
    await model.run([x, x]);
  });
});

describe('a queue delay', () => {
  const made = async (delay: number, more: Partial<BatchingOptions> = {}) => {
    const model = compile(integerNetwork(2), {
      ...onOneThread,
      batching: { maxBatchSize: 8, maxQueueDelay: delay, ...more },
    });
    await model.warmup([1, 16, 64, 64]);
    return model;
  };
  const millisecondsOf = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };

  it('lets a request wait for those that come soon after', async () => {
    using model = await made(300);
    const first = model.run(images(1, 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([first, model.run(images(1, 2))]);
    expect([...model.batches]).toEqual([[2, 1]]);
  });

  it('is as long as it says, and no longer for a batch that is full or of a preferred size', async () => {
    using model = await made(400, { preferredBatchSizes: [4] });
    expect(await millisecondsOf(() => model.run(images(1, 1)))).toBeGreaterThan(390);
    const together = (count: number) =>
      millisecondsOf(() => Promise.all(Array.from({ length: count }, (_, i) => model.run(images(1, i)))));
    // Long before: the network takes a millisecond.
    expect(await together(4)).toBeLessThan(300);
    expect(await together(8)).toBeLessThan(300);
  });

  it('does not last where as many have come as there is a plan for', async () => {
    using model = compile(integerNetwork(2), {
      ...onOneThread,
      batching: { maxBatchSize: 8, maxQueueDelay: 400 },
    });
    const pair = () => Promise.all([model.run(images(1, 1)), model.run(images(1, 2))]);
    await pair(); // makes the plan of two
    while ((model.batches.get(2) ?? 0) === 0) await pair();
    expect(await millisecondsOf(pair)).toBeLessThan(300);
  });

  it('holds up no other request', async () => {
    // Each batch size is a group of its own here.
    using model = compile(slowNet(1), { ...onOneThread, batching: { maxBatchSize: 4, maxQueueDelay: 1500 } });
    await model.warmup([1, 16, 64, 64], [2, 16, 64, 64]);
    const waiting = model.run(images(1, 1));
    const others = async () => {
      model.runSync(images(3, 1));
      await model.warmup([5, 16, 64, 64]);
      await Promise.all(Array.from({ length: 4 }, (_, i) => model.run(images(2, i))));
    };
    expect(await millisecondsOf(others)).toBeLessThan(1200);
    await waiting;
  });

  it('ends with the model', async () => {
    const model = await made(60_000);
    const request = model.run(images(1, 1));
    await new Promise((resolve) => setTimeout(resolve, 10));
    model.dispose();
    await expect(request).rejects.toThrow(/disposed/);
  });
});

describe('options of batching', () => {
  const wrong: readonly [unknown, string][] = [
    [{ maxBatchSize: 1 }, 'batching.maxBatchSize must be a whole number from 2 to 1024, got 1'],
    [{ maxBatchSize: '8' }, 'batching.maxBatchSize must be a whole number from 2 to 1024, got "8"'],
    [{}, 'batching.maxBatchSize must be a whole number from 2 to 1024, got undefined'],
    [
      { maxBatchSize: 8, maxQueueDelay: -1 },
      'batching.maxQueueDelay must be from 0 to 60000 milliseconds, got -1',
    ],
    [
      { maxBatchSize: 8, maxQueueDelay: 1, preferredBatchSizes: [9] },
      'must be whole numbers from 2 to maxBatchSize (8), got [9]',
    ],
    [{ maxBatchSize: 8, preferredBatchSizes: [4] }, 'it needs a maxQueueDelay'],
    [{ maxBatchsize: 8 }, 'unknown option "maxBatchsize"; did you mean "maxBatchSize"?'],
    [8, 'options must be an object, got 8'],
  ];
  it.each(wrong)('%j is refused', (given, message) => {
    expect(() => compile(earlyAndLate(1), { batching: given as BatchingOptions })).toThrow(message);
  });
});
