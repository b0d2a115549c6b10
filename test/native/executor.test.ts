import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import type { NativeExecutor, PlanDesc } from '../../lib/native/addon-types.ts';
import type { StepName } from '../../lib/native/step-name.ts';

const executors: NativeExecutor[] = [];
function createExecutor(streams = 1, threadsPerStream = 1): NativeExecutor {
  const executor = new addon.Executor({ streams, threadsPerStream, cpus: 2 });
  executors.push(executor);
  return executor;
}
afterEach(() => {
  for (const executor of executors.splice(0)) executor.dispose();
});

/** y = 2 * relu(x) + 1, in two steps by way of the arena. */
function affineRelu(length: number): PlanDesc {
  const desc = { dtype: 'float32', shape: [length] } as const;
  return {
    inputs: [desc],
    outputs: [desc],
    arenaBytes: length * 4,
    threads: 1,
    lanes: 1,
    values: [
      { ...desc, storage: { kind: 'input', index: 0 } },
      { ...desc, storage: { kind: 'arena', offset: 0 } },
      { ...desc, storage: { kind: 'output', index: 0 } },
    ],
    steps: [
      { op: 'eltwise', node: 'relu', attributes: { algorithm: 'relu' }, inputs: [0], outputs: [1] },
      {
        op: 'eltwise',
        node: 'affine',
        attributes: { algorithm: 'linear', alpha: 2, beta: 1 },
        inputs: [1],
        outputs: [2],
      },
    ],
  };
}

/** Looks rows up in a table of two, by two indices. */
function lookup(): PlanDesc {
  const indices = { dtype: 'int64', shape: [2] } as const;
  const table = { dtype: 'float32', shape: [2, 1] } as const;
  const data = Float32Array.of(10, 20);
  return {
    inputs: [indices],
    outputs: [table],
    arenaBytes: 0,
    threads: 1,
    lanes: 1,
    values: [
      { ...table, storage: { kind: 'constant', constant: addon.createConstant('float32', [2, 1], data) } },
      { ...indices, storage: { kind: 'input', index: 0 } },
      { ...table, storage: { kind: 'output', index: 0 } },
    ],
    steps: [{ op: 'embedding', node: 'rows', attributes: {}, inputs: [0, 1], outputs: [2] }],
  };
}

describe('Executor', () => {
  it('runs a plan, now, later and step by step', async () => {
    const executor = createExecutor();
    const plan = await executor.compile(affineRelu(4));
    expect(plan.steps.map((step) => step.node)).toEqual(['relu', 'affine']);
    const x = Float32Array.of(-1, 0, 1, 2);
    const y = new Float32Array(4);
    await executor.run(plan, [x], [y]);
    expect([...y]).toEqual([1, 1, 3, 5]);
    executor.runSync(plan, [Float32Array.of(3, -3, 3, -3)], [y]);
    expect([...y]).toEqual([7, 1, 7, 1]);
    const before = Number(process.hrtime.bigint());
    const times = executor.profile(plan, [x], [y]);
    expect([...y]).toEqual([1, 1, 3, 5]);
    expect(times).toHaveLength(5);
    const [lane, reluStart, relu, affineStart, affine] = times;
    expect(lane).toBe(0);
    expect(reluStart).toBeGreaterThan(before);
    for (const time of [relu, affine]) expect(time).toBeGreaterThan(0);
    expect(affineStart).toBeGreaterThanOrEqual(reluStart + relu);
    expect(affineStart + affine).toBeLessThan(Number(process.hrtime.bigint()));
  });

  it('runs a plan for each part of a request, some side by side', async () => {
    const executor = createExecutor(1, 3);
    for (const lanes of [1, 2, 3]) {
      const plan = executor.compileSync({ ...affineRelu(1000), lanes });
      for (const parts of [1, 2, 7]) {
        const x = Float32Array.from({ length: 1000 * parts }, (_, i) => i - 1500);
        const y = new Float32Array(x.length);
        await executor.run(plan, [x], [y], parts);
        expect(y).toEqual(x.map((value) => 2 * Math.max(0, value) + 1));
        const times = executor.profile(plan, [x], [y], parts);
        expect(times).toHaveLength(5 * parts);
        for (let part = 0; part < parts; part++) expect(times[5 * part]).toBeLessThan(lanes);
      }
    }
  });

  it('refuses parts and lanes that do not fit', () => {
    const executor = createExecutor(1, 2);
    const plan = executor.compileSync(affineRelu(4));
    const run = (length: number, parts: number) =>
      executor.runSync(plan, [new Float32Array(length)], [new Float32Array(length)], parts);
    expect(() => run(4, 2)).toThrow(/input 0 must be 2 times .*\(16 bytes\), got 16 bytes/);
    expect(() => run(9, 2)).toThrow(/got 36 bytes/);
    expect(() => run(4, 2 ** 52)).toThrow(/got 16 bytes/);
    expect(() => run(4, 0)).toThrow('parts must be 1 or more');
    expect(() => run(4, -1)).toThrow('parts must be a non-negative integer');
    const compileWith = (changes: Partial<PlanDesc>) => () =>
      executor.compileSync({ ...affineRelu(4), ...changes });
    expect(compileWith({ lanes: 3 })).toThrow('plan lanes must be from 1 to 2');
    expect(compileWith({ lanes: 0 })).toThrow('plan lanes must be from 1 to 2');
    expect(compileWith({ lanes: 2, threads: 2 })).toThrow(
      'either its threads or its lanes can be more than 1',
    );
  });

  it('serves many requests on several streams', async () => {
    const executor = createExecutor(3);
    const plans = [executor.compileSync(affineRelu(16)), executor.compileSync(affineRelu(4096))];
    const results = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const length = i % 2 ? 4096 : 16;
        const y = new Float32Array(length);
        await executor.run(plans[i % 2], [new Float32Array(length).fill(i)], [y]);
        return y;
      }),
    );
    results.forEach((y, i) => {
      expect(y.every((value) => value === 2 * i + 1)).toBe(true);
    });
  });

  it('refuses buffers that do not fit', () => {
    const executor = createExecutor();
    const plan = executor.compileSync(affineRelu(4));
    const x = new Float32Array(4);
    const run = (inputs: unknown, outputs: unknown) => () =>
      executor.runSync(plan, inputs as Float32Array[], outputs as Float32Array[]);
    expect(run([x], [new Float32Array(3)])).toThrow(
      'run: output 0 must be float32[4] (16 bytes), got 12 bytes',
    );
    expect(run([new Float64Array(2)], [x])).toThrow('input 0 must be float32[4]');
    expect(run([x, x], [x])).toThrow('expected an array of 1 inputs');
    expect(run(null, [x])).toThrow('expected an array of 1 inputs');
    expect(run([[1, 2, 3, 4]], [x])).toThrow('no TypedArray');
  });

  it('makes steps on several threads, and names the first of those that cannot be made', () => {
    const executor = createExecutor(2, 8);
    const plan = affineRelu(4);
    const [step] = plan.steps;
    for (let round = 0; round < 20; round++) {
      const steps = Array.from({ length: 64 }, (_, i) =>
        i < 20 + round ? step : { ...step, node: `step ${i}`, op: 'nope' as StepName },
      );
      expect(() => executor.compileSync({ ...plan, threads: 8, steps })).toThrow(`nope 'step ${20 + round}'`);
    }
    const steps = Array.from({ length: 64 }, () => step).concat(plan.steps.slice(1));
    const y = new Float32Array(4);
    const whole = executor.compileSync({ ...plan, threads: 8, steps });
    executor.runSync(whole, [Float32Array.of(-1, 0, 1, 2)], [y]);
    expect(whole.steps).toHaveLength(steps.length);
    expect(y).toEqual(Float32Array.of(1, 1, 3, 5));
  });

  it('refuses plans of another executor and things that are no plans', () => {
    const plan = createExecutor().compileSync(affineRelu(4));
    const other = createExecutor();
    const x = new Float32Array(4);
    expect(() => other.runSync(plan, [x], [x])).toThrow('not compiled by this executor');
    expect(() => other.runSync({} as typeof plan, [x], [x])).toThrow('not compiled by this executor');
  });

  it.each<[string, (plan: PlanDesc) => unknown, RegExp]>([
    ['a value index', (p) => ({ ...p, steps: [{ ...p.steps[0], inputs: [9] }] }), /relu.*no value 9/],
    ['an arena that is too small', (p) => ({ ...p, arenaBytes: 15 }), /value 1.*takes 16 bytes.*has 15/],
    ['an input index', (p) => withStorage(p, { kind: 'input', index: 1 }), /no input 1/],
    ['an offset', (p) => withStorage(p, { kind: 'arena', offset: -4 }), /offset must be a non-negative/],
    [
      'an unaligned offset',
      (p) => withStorage(p, { kind: 'arena', offset: 2 }),
      /multiple of the element size/,
    ],
    ['a storage kind', (p) => withStorage(p, { kind: 'heap' }), /unknown storage kind 'heap'/],
    [
      'a constant',
      (p) => withStorage(p, { kind: 'constant', constant: {} }),
      /not one made by createConstant/,
    ],
    ['a stride', (p) => withValue(p, { strides: [1e12] }), /storage has/],
    ['an overflowing stride', (p) => withValue(p, { shape: [2 ** 50], strides: [2 ** 50] }), /too large/],
    ['a negative stride', (p) => withValue(p, { strides: [-1] }), /negative stride/],
    ['a fractional extent', (p) => withValue(p, { shape: [1.5] }), /integers/],
    [
      'a step that writes to an input',
      (p) => ({ ...p, steps: [{ ...p.steps[0], outputs: [0] }] }),
      /relu.*writes to an input/,
    ],
    ['an operation', (p) => ({ ...p, steps: [{ ...p.steps[0], op: 'nope' }] }), /nope 'relu'.*no such/],
    ['a number of threads', (p) => ({ ...p, threads: 2 }), /threads must be from 1 to 1/],
    ['no plan at all', () => null, /plan must be an object/],
  ])('refuses a plan with a wrong %s', async (_, change, message) => {
    const executor = createExecutor();
    const plan = change(affineRelu(4)) as PlanDesc;
    expect(() => executor.compileSync(plan)).toThrow(message);
    await expect((async () => executor.compile(plan))()).rejects.toThrow(message);
  });

  it('refuses senseless thread counts', () => {
    expect(() => createExecutor(0)).toThrow('streams must be an integer from 1 to 1024');
    expect(() => createExecutor(1, 1.5)).toThrow('threadsPerStream must be');
  });

  it('starts requests in the order of their numbers, and takes back those that wait', async () => {
    const executor = createExecutor();
    const length = 1 << 21;
    const plan = executor.compileSync(affineRelu(length));
    const x = new Float32Array(length).fill(1);
    const order: number[] = [];
    // The first ones keep the worker busy while the others are submitted, also where that takes some milliseconds.
    const first = Array.from({ length: 10 }, (_, i) => i);
    const arrivals = [...first, 19, 17, 18, undefined, 16];
    const runs = arrivals.map((arrival, i) =>
      executor.run(plan, [x], [new Float32Array(length)], 1, arrival).then(() => order.push(i)),
    );
    const reason = new Error('taken back');
    expect(executor.withdraw(18, reason)).toBe(true);
    expect(executor.withdraw(18, reason)).toBe(false);
    expect(executor.withdraw(15, reason)).toBe(false);
    expect(() => executor.withdraw(-1, reason)).toThrow('arrival must be a non-negative integer');
    await expect(runs[12]).rejects.toBe(reason);
    await Promise.allSettled(runs);
    expect(order).toEqual([...first, 14, 11, 10, 13]);
    executor.dispose();
    expect(executor.withdraw(16, reason)).toBe(false);
  });

  it('computes at once what is asked for synchronously, but after all that was asked for before', async () => {
    const executor = createExecutor(2);
    const length = 1 << 20;
    const plan = executor.compileSync(affineRelu(length));
    const x = new Float32Array(length).fill(1);
    const outputs = Array.from({ length: 5 }, () => new Float32Array(length));
    const runs = outputs.map((y) => executor.run(plan, [x], [y]));
    const last = new Float32Array(length);
    executor.runSync(plan, [outputs[4]], [last]);
    // It starts after all the others. Whichever had the other stream may still run there.
    const ended = outputs.filter((y) => y.every((value) => value === 3));
    expect(ended.length).toBeGreaterThanOrEqual(4);
    await Promise.all(runs);
    executor.runSync(plan, [outputs[4]], [last]);
    expect(last.every((value) => value === 7)).toBe(true);
  });

  it('computes synchronous requests of one thread on the thread that asks', async () => {
    const executor = createExecutor();
    const plan = executor.compileSync(affineRelu(4));
    const [x, y] = [new Float32Array(4), new Float32Array(4)];
    const tasks = readdirSync('/proc/self/task').map((id) => `/proc/self/task/${id}`);
    const [worker] = tasks.filter((task) => readFileSync(`${task}/comm`, 'utf8') === 'octavo-0\n').slice(-1);
    // Times that it had the CPU.
    const turns = () => Number(readFileSync(`${worker}/schedstat`, 'utf8').split(' ')[2]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = turns();
    for (let i = 0; i < 100; i++) executor.runSync(plan, [x], [y]);
    expect(turns() - before).toBeLessThan(20);
  });

  it('goes on after a synchronous request that failed', async () => {
    const executor = createExecutor();
    const plan = executor.compileSync(lookup());
    const y = new Float32Array(2);
    const far = BigInt64Array.of(1n, 9n);
    for (let i = 0; i < 3; i++)
      expect(() => executor.runSync(plan, [far], [y])).toThrow(/embedding 'rows'.*9/);
    await expect(executor.run(plan, [far], [y])).rejects.toThrow(/embedding 'rows'.*9/);
    executor.runSync(plan, [BigInt64Array.of(1n, 0n)], [y]);
    expect([...y]).toEqual([20, 10]);
    await executor.run(plan, [BigInt64Array.of(0n, 1n)], [y]);
    expect([...y]).toEqual([10, 20]);
  });

  it('does not wait actively for nothing, nor without a CPU for that', async () => {
    const executor = new addon.Executor({ streams: 1, threadsPerStream: 1, cpus: 1 });
    executors.push(executor);
    const plan = executor.compileSync(affineRelu(4));
    const [x, y] = [new Float32Array(4), new Float32Array(4)];
    for (let i = 0; i < 100; i++) {
      const run = executor.run(plan, [x], [y]);
      expect(executor.attend()).toBe(false);
      await run;
    }
    const idle = createExecutor();
    expect(idle.attend()).toBe(false);
    idle.dispose();
    expect(idle.attend()).toBe(false);
  });

  it('refuses outputs that share memory', () => {
    const executor = createExecutor();
    const plan = executor.compileSync(affineRelu(4));
    const all = new Float32Array(8);
    const run = (at: number) => () =>
      executor.runSync(plan, [all.subarray(0, 4)], [all.subarray(at, at + 4)]);
    expect(run(3)).toThrow('run: output 0 shares memory with input 0');
    run(4)();
    expect([...all]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it('finishes what runs and rejects what waits when disposed', async () => {
    const executor = createExecutor();
    const length = 1 << 20;
    const plan = executor.compileSync(affineRelu(length));
    const x = new Float32Array(length).fill(1);
    const outputs = Array.from({ length: 20 }, () => new Float32Array(length));
    const settled = Promise.allSettled(outputs.map((y) => executor.run(plan, [x], [y])));
    executor.dispose();
    executor.dispose();
    const results = await settled;
    const rejected = results.filter((result) => result.status === 'rejected');
    expect(rejected.length).toBeGreaterThan(0);
    for (const { reason } of rejected) expect(String(reason)).toContain('disposed before');
    results.forEach((result, i) => {
      if (result.status === 'fulfilled') expect(outputs[i].every((value) => value === 3)).toBe(true);
    });
    expect(() => executor.run(plan, [x], [outputs[0]])).toThrow('disposed');
    expect(() => executor.runSync(plan, [x], [outputs[0]])).toThrow('disposed');
    expect(() => executor.compileSync(affineRelu(1))).toThrow('disposed');
  });
});

function withValue(plan: PlanDesc, change: object): unknown {
  return { ...plan, values: plan.values.map((value, i) => (i === 1 ? { ...value, ...change } : value)) };
}

function withStorage(plan: PlanDesc, storage: unknown): unknown {
  return withValue(plan, { storage });
}
