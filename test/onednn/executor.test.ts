import { afterEach, describe, expect, it } from 'vitest';
import { addon, type NativeExecutor, type PlanDesc } from '../../lib/onednn/addon.ts';

const executors: NativeExecutor[] = [];
function createExecutor(streams = 1, threadsPerStream = 1): NativeExecutor {
  const executor = new addon.Executor({ streams, threadsPerStream });
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
    expect(times).toHaveLength(4);
    const [reluStart, relu, affineStart, affine] = times;
    expect(reluStart).toBeGreaterThan(before);
    for (const time of [relu, affine]) expect(time).toBeGreaterThan(0);
    expect(affineStart).toBeGreaterThanOrEqual(reluStart + relu);
    expect(affineStart + affine).toBeLessThan(Number(process.hrtime.bigint()));
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
