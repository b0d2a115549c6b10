import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { ConstantStore } from '../../lib/plan/index.ts';
import { untuned } from '../../lib/runtime/decisions.ts';
import { compile, type Trace, type Tuning, traceOf } from '../../lib/runtime/index.ts';
import { Planner } from '../../lib/runtime/planner.ts';
import { Tensor, type TensorData } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { earlyAndLate, integerNetwork, lookups, slowNet } from '../support/models.ts';

/** Enough layers for a request to be worth its threads; each step of an image moves half a megabyte. */
const network = slowNet(8);
const images = (count: number, seed = 1) => uniform([count, 16, 64, 64], -1, 1, seed);
const imageSize = 16 * 64 * 64;

/** Equal to the bit; quicker than `toEqual`. */
function expectSame(actual: TensorData, expected: TensorData): void {
  const bytes = ({ buffer, byteOffset, byteLength }: TensorData) =>
    Buffer.from(buffer, byteOffset, byteLength);
  expect(bytes(actual).equals(bytes(expected))).toBe(true);
}

describe('a batch computed in parts', () => {
  it('gives what the interpreter gives for the whole', async () => {
    using model = compile(network, { threadsPerStream: 2 });
    const x = images(6);
    expect(model.plan(x.shape)).toMatchObject({
      threads: 2,
      inputs: [{ shape: x.shape }],
      outputs: [{ shape: x.shape }],
    });
    expect(model.plan(x.shape).parts).toBeGreaterThan(1);
    const [y] = Object.values(await model.run(x));
    const [expected] = new Interpreter(network, operators).run([x]);
    expect(y.shape).toEqual(expected.shape);
    const reference = expected.toArray();
    const squares = y.toArray().map((value, i) => (value - reference[i]) ** 2);
    // Sums of 144 products in another order, and a rounding may grow sevenfold (the length of 144 random weights) in each
    // of 8 layers where tanh is steep: a few elements move visibly. Of samples mixed up all would, by about 1.
    const rms = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
    expect(rms).toBeLessThan(1e-4);
  });

  it('gives each sample what it gives for that alone, to the bit', async () => {
    using model = compile(network, { threadsPerStream: 2 });
    const batch = images(4);
    const [whole] = Object.values(await model.run(batch));
    for (let i = 0; i < 4; i++) {
      const part = batch.data.slice(i * imageSize, (i + 1) * imageSize) as Float32Array;
      const [one] = Object.values(model.runSync(new Tensor('float32', part, [1, 16, 64, 64])));
      expectSame(one.data, whole.data.slice(i * imageSize, (i + 1) * imageSize));
    }
  });

  it('gives each sample of integers what the interpreter gives for that alone', async () => {
    const module = integerNetwork(8);
    using model = compile(module, { threadsPerStream: 2 });
    const batch = images(4);
    expect(model.plan(batch.shape).parts).toBeGreaterThan(1);
    const [whole] = Object.values(await model.run(batch));
    for (let i = 0; i < 4; i++) {
      const part = batch.data.slice(i * imageSize, (i + 1) * imageSize) as Float32Array;
      const [one] = new Interpreter(module, operators).run([new Tensor('float32', part, [1, 16, 64, 64])]);
      expectSame(one.data, whole.data.slice(i * imageSize, (i + 1) * imageSize));
    }
  });

  it('writes into the caller’s tensors, at any offset', async () => {
    using model = compile(network, { threadsPerStream: 2 });
    const x = images(4);
    const memory = new Float32Array(4 * imageSize + 8).fill(7);
    const y = new Tensor('float32', memory.subarray(4, -4), x.shape);
    await model.run(x, { outputs: y });
    const [expected] = Object.values(model.runSync(x));
    expectSame(y.data, expected.data);
    expect([...memory.subarray(0, 4), ...memory.subarray(-4)]).toEqual(Array(8).fill(7));
  });

  it('shares one plan among batches', async () => {
    using model = compile(network, { threadsPerStream: 2 });
    const [fewer, more] = [16, 32].map((count) => model.plan([count, 16, 64, 64]));
    expect(fewer.parts).toBeGreaterThan(1);
    expect(more.parts).toBe(2 * fewer.parts);
    expect(more.steps.map(({ shape }) => shape)).toEqual(fewer.steps.map(({ shape }) => shape));
    expect(more.steps.map(({ bytes }) => bytes)).toEqual(fewer.steps.map(({ bytes }) => 2 * bytes));
    const shapesOf = (count: number) => [[count, 16, 64, 64]];
    const plannerWith = (tuning: Tuning) =>
      new Planner(network, model.inputs, new ConstantStore(), tuning, 2);
    const planner = plannerWith(untuned);
    expect(planner.plan(shapesOf(16)).key).toBe(planner.plan(shapesOf(32)).key);
    // One that was tuned for some shapes has a plan of its own for these alone.
    const tuned = plannerWith({ ...untuned, threads: [{ shapes: shapesOf(16), choice: 2, times: {} }] });
    expect(tuned.plan(shapesOf(16)).key).not.toBe(tuned.plan(shapesOf(32)).key);
    expect(tuned.plan(shapesOf(32)).key).toBe(planner.plan(shapesOf(32)).key);
  });

  it('serves many requests at once, on several streams', async () => {
    using model = compile(network, { streams: 2, threadsPerStream: 2 });
    const inputs = Array.from({ length: 12 }, (_, i) => images(1 + (i % 4), i));
    const results = await Promise.all(inputs.map((x) => model.run(x)));
    inputs.forEach((x, i) => {
      expectSame(Object.values(results[i])[0].data, Object.values(model.runSync(x))[0].data);
    });
  });

  it('ends with the error of the part that failed, and is fine with the next request', async () => {
    using model = compile(lookups(), { threadsPerStream: 2 });
    const indices = (last: bigint) => {
      const data = BigInt64Array.from({ length: 64 * 256 }, (_, i) => BigInt(i % 8));
      data[data.length - 1] = last;
      return new Tensor('int64', data, [64, 256]);
    };
    expect(model.plan([64, 256]).parts).toBeGreaterThan(1);
    await expect(model.run(indices(8n))).rejects.toThrow(/embedding.*8/s);
    const [y] = Object.values(await model.run(indices(7n)));
    expect(y.data.every(Number.isFinite)).toBe(true);
  });

  it('is finished when the model is disposed of meanwhile', async () => {
    const model = compile(earlyAndLate(30), { threadsPerStream: 2 });
    const x = images(16);
    await model.warmup(x.shape);
    expect(model.plan(x.shape).parts).toBeGreaterThan(1);
    const outputs = [1, 2].map(() => new Tensor('float32', new Float32Array(x.numel).fill(NaN), x.shape));
    const runs = [model.run(x, { outputs }), model.run(x)];
    // A fixed time would do on an idle machine only: the worker has the first once a part of it is there.
    while (Number.isNaN(outputs[0].data[0])) await new Promise((resolve) => setTimeout(resolve, 1));
    model.dispose();
    const settled = await Promise.allSettled(runs);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('is profiled part by part, and traced on a line a thread', () => {
    using model = compile(network, { threadsPerStream: 2 });
    const x = images(4);
    const { parts, steps } = model.plan(x.shape);
    const profile = model.profile(x);
    expect(profile.map(({ node }) => node)).toEqual(steps.map(({ node }) => node));
    for (const { runs, nanoseconds, start } of profile) {
      expect(runs).toHaveLength(parts);
      const total = runs.reduce((sum, run) => sum + run.nanoseconds, 0);
      const lanes = 1 + Math.max(...profile.flatMap((step) => step.runs.map(({ lane }) => lane)));
      expect(nanoseconds).toBeCloseTo(total / lanes, 6);
      expect(start).toBe(Math.min(...runs.map((run) => run.start)));
    }
    const trace: Trace = traceOf([{ name: 'batch 4', threads: 2, runs: [profile] }]);
    const complete = trace.traceEvents.filter((event) => event.ph === 'X');
    const inner = complete.filter(({ cat }) => cat !== 'run');
    expect(inner).toHaveLength(parts * steps.length);
    const [run] = complete.filter(({ cat }) => cat === 'run');
    const ends = new Map<number, number>();
    for (const { tid, ts, dur, args } of inner) {
      expect(ts).toBeGreaterThanOrEqual((ends.get(tid) ?? run.ts) - 1e-3);
      ends.set(tid, ts + dur);
      expect(ts + dur).toBeLessThanOrEqual(run.ts + run.dur + 1e-3);
      expect(args.part).toBeLessThan(parts);
    }
  });
});
