import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Interpreter, SymInt, type TensorMeta } from '../../lib/graph/index.ts';
import { addon } from '../../lib/native/addon.ts';
import { type CompiledModel, compile, formatPlan } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { convNet, twoInputs } from '../support/models.ts';
import { greatestDifference } from '../support/run-pass.ts';

const image = (batch: number, seed = batch) => uniform([batch, 3, 8, 8], -1, 1, seed);

function interpret(x: Tensor): number[] {
  return new Interpreter(convNet(), operators).run([x])[0].toArray();
}

function expectClose(actual: number[], expected: number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    // Sums over at most 72 products of numbers below 1, perhaps in another order.
    expect(Math.abs(value - expected[i])).toBeLessThan(1e-4);
  });
}

describe('CompiledModel', () => {
  it('gives what the interpreter gives, for every way to pass the inputs', async () => {
    using model = compile(convNet());
    const x = image(2);
    const expected = interpret(x);
    const foreign = { type: 'float32', dims: [2, 3, 8, 8], data: x.data };
    for (const inputs of [{ x }, [x], x, foreign, { x: foreign }]) {
      expectClose((await model.run(inputs)).linear_default.toArray(), expected);
      expectClose(model.runSync(inputs).linear_default.toArray(), expected);
    }
  });

  it('takes an input of any name', async () => {
    const b = new GraphBuilder();
    using model = compile(b.finish(b.call('aten.neg.default', b.input('dims', [2]))));
    const dims = Tensor.from('float32', [1, -2], [2]);
    expect((await model.run({ dims })).neg_default.toArray()).toEqual([-1, 2]);
  });

  it('says that a step cannot be made: at once where all sizes are known, else when they are', async () => {
    const softmax = (shape: TensorMeta['shape']) => {
      const b = new GraphBuilder();
      return b.finish(b.call('aten.softmax.int', b.input('x', shape, 'int64'), 1));
    };
    expect(() => compile(softmax([2, 3]))).toThrow(/'softmax_int'/);
    using model = compile(softmax([new SymInt(['s0']), 3]));
    expect(() => model.warmupSync([2, 3])).toThrow(/'softmax_int'/);
    await expect(model.warmup([2, 3])).rejects.toThrow(/'softmax_int'/);
  });

  it('has a plan at once where all sizes are known', () => {
    const b = new GraphBuilder();
    using model = compile(b.finish(b.call('aten.neg.default', b.input('x', [2]))));
    expect(model.report.inputs).not.toBeNull();
  });

  it('knows its inputs and outputs', () => {
    using model = compile(convNet());
    expect(model.inputs.map(({ name, dtype, shape }) => `${name} ${dtype} ${shape}`)).toEqual([
      'x float32 s0,3,8,8',
    ]);
    expect(model.outputs.map(({ name, shape }) => `${name} ${shape}`)).toEqual(['linear_default s0,5']);
  });

  it('serves many requests of mixed batch sizes at once', async () => {
    using model = compile(convNet(), { streams: 3, threadsPerStream: 1 });
    const images = [1, 2, 3, 4, 5].map((batch) => image(batch));
    const expected = images.map(interpret);
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => model.run(images[i % 5])));
    results.forEach((result, i) => {
      expectClose(result.linear_default.toArray(), expected[i % 5]);
    });
  });

  it('gives each request memory of its own', async () => {
    using model = compile(convNet());
    const [first, second] = await Promise.all([model.run(image(1, 1)), model.run(image(1, 2))]);
    expect(first.linear_default.data.buffer).not.toBe(second.linear_default.data.buffer);
    expect(first.linear_default.toArray()).not.toEqual(second.linear_default.toArray());
  });

  it('keeps a bounded number of plans', async () => {
    using model = compile(convNet(), { threadsPerStream: 1 });
    for (const batch of [...Array(40).keys(), 0, 39])
      expectClose((await model.run(image(batch + 1))).linear_default.toArray(), interpret(image(batch + 1)));
  });

  it('serves more new shapes at once than it keeps plans for', async () => {
    using model = compile(convNet(), { threadsPerStream: 1, streams: 2 });
    for (let round = 0; round < 2; round++) {
      const results = await Promise.all(Array.from({ length: 80 }, (_, i) => model.run(image((i % 45) + 1))));
      for (const [i, { linear_default }] of results.entries())
        expectClose(linear_default.toArray(), interpret(image((i % 45) + 1)));
    }
    expect(model.report.nodes.length).toBeGreaterThan(0);
  });

  it('keeps constants that depend on the batch for the plan made last', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', [new SymInt(['s0']), 4, 256]);
    const size = b.call('aten.sym_size.int', x, 0);
    const token = b.call('aten.expand.default', b.parameter('token', [1, 1, 256]), [size, -1, -1]);
    // The mean over the batch keeps it whole: no plan of one sample could serve all sizes.
    const y = b.call('aten.mean.dim', b.call('aten.cat.default', [token, x], 1), [0]);
    const module = b.finish(y);
    using model = compile(module, { threadsPerStream: 1 });
    const constantBytes = (of: CompiledModel, batch: number) => of.plan([batch, 4, 256]).memory.constantBytes;
    for (let batch = 1; batch <= 20; batch++) constantBytes(model, batch);
    using fresh = compile(module, { threadsPerStream: 1 });
    expect(constantBytes(model, 21)).toBe(constantBytes(fresh, 21));
    // Plans that were made before still have theirs.
    const input = uniform([3, 4, 256], -1, 1, 1);
    const [expected] = new Interpreter(module, operators).run([input]);
    const [actual] = Object.values(await model.run(input));
    // A sum of three numbers, perhaps in another order.
    expect(greatestDifference(actual, expected)).toBeLessThan(1e-6);
  });

  it('describes its plan', async () => {
    using model = compile(convNet());
    await model.warmup({ x: [4, 3, 8, 8] }, [2, 3, 8, 8]);
    const plan = model.plan([4, 3, 8, 8]);
    expect(plan.outputs).toEqual([{ name: 'linear_default', dtype: 'float32', shape: [4, 5] }]);
    // Channels in blocks are written by the first convolution, channels-last is what it has to read as well.
    const { prefersChannelBlocks } = addon.oneDnnVersion();
    expect(plan.steps.map(({ op, target }) => target ?? op)).toEqual([
      ...(prefersChannelBlocks ? [] : ['copy']),
      'aten.conv2d.default',
      'aten.relu.default',
      'aten.conv2d.default',
      'aten.add.Tensor',
      'aten.adaptive_avg_pool2d.default',
      'aten.linear.default',
    ]);
    for (const step of plan.steps) {
      expect(step.implementation).not.toBe('');
      expect(step.implementation).not.toMatch(/ref/);
      expect(step.bytes).toBeGreaterThan(0);
    }
    const { arenaBytes, arenaLowerBound, constantBytes } = plan.memory;
    expect(arenaBytes).toBeGreaterThanOrEqual(arenaLowerBound);
    expect(constantBytes).toBe(4 * (8 * 3 * 9 + 8 + 8 * 8 * 9 + 40 + 5));
    const text = formatPlan(plan);
    expect(text).toContain('plan(x: float32[4, 3, 8, 8]) -> (linear_default: float32[4, 5])');
    const order = prefersChannelBlocks ? 'blocks' : 'channels-last';
    expect(text).toMatch(new RegExp(`conv2d_default +convolution +float32\\[4, 8, 8, 8\\] ${order}`));
  });

  it('profiles its steps', () => {
    using model = compile(convNet());
    const profile = model.profile(image(1));
    expect(profile.map(({ node }) => node)).toContain('conv2d_default_1');
    for (const { nanoseconds } of profile) expect(nanoseconds).toBeGreaterThan(0);
  });

  it('refuses to work once disposed', async () => {
    const model = compile(convNet());
    const running = model.run(image(1));
    model.dispose();
    model.dispose();
    // Whether it was started or not: it settles.
    await Promise.allSettled([running]);
    const message = 'the model is disposed; compile or load it again';
    await expect(model.run(image(1))).rejects.toThrow(message);
    await expect(model.warmup([1, 3, 8, 8])).rejects.toThrow(message);
    await expect(model.save('/tmp/never')).rejects.toThrow(message);
    for (const use of [
      () => model.runSync(image(1)),
      () => model.plan([1, 3, 8, 8]),
      () => model.profile(image(1)),
    ])
      expect(use).toThrow(message);
  });

  it('refuses a batch that no memory could hold', () => {
    using model = compile(convNet());
    expect(() => model.plan([2 ** 45, 3, 8, 8])).toThrow(
      /inputs of float32\[35184372088832, 3, 8, 8\] need more memory than there are addresses for/,
    );
  });

  it('refuses operators it cannot compile, all at once', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [1]);
    const module = b.finish(
      b.call('aten.nope.default', b.call('aten.never.out', b.call('aten.nope.default', x))),
    );
    expect(() => compile(module)).toThrow(
      /aten\.nope\.default \(2 times, first in node 'nope_default'\); aten\.never\.out \(1 times/,
    );
  });

  it('does not see what happens to the graph later', async () => {
    const module = convNet();
    using model = compile(module);
    module.graph.eraseNode(module.graph.outputNode);
    module.attributes.clear();
    expectClose((await model.run(image(1))).linear_default.toArray(), interpret(image(1)));
  });
});

describe('inputs', () => {
  const p = Tensor.zeros('float32', [2, 4]);
  const cases: [string, (model: CompiledModel) => Promise<unknown>, RegExp][] = [
    [
      'a missing one',
      (m) => m.run({ p }),
      /one tensor for each input \(p: float32\[s0, 4\], q: .*none for 'q'/,
    ],
    ['an unknown one', (m) => m.run({ p, q: p, r: p }), /got 'r'/],
    ['too few', (m) => m.run([p]), /got 1/],
    ['one for two', (m) => m.run(p), /got 1/],
    ['nothing', (m) => m.run(null as never), /got null/],
    ['a plain array', (m) => m.run({ p, q: [1, 2] as never }), /input 'q': expected a Tensor/],
    [
      'another dtype',
      (m) => m.run({ p, q: Tensor.zeros('float64', [2, 4]) }),
      /input 'q' must be float32\[s0, 4\], got float64\[2, 4\]/,
    ],
    ['another rank', (m) => m.run({ p, q: Tensor.zeros('float32', [8]) }), /'q' must be .*got float32\[8\]/],
    [
      'another extent',
      (m) => m.run({ p: Tensor.zeros('float32', [2, 5]), q: p }),
      /'p' must be .*got float32\[2, 5\]/,
    ],
    [
      'another batch size than the others',
      (m) => m.run({ p, q: Tensor.zeros('float32', [3, 4]) }),
      /got float32\[3, 4\]: s0 is 2 in input 'p'/,
    ],
    ['an empty batch', (m) => m.run({ p: Tensor.zeros('float32', [0, 4]), q: p }), /s0 at least 1/],
    ['a wrong shape to warm up', (m) => m.warmup({ p: [2, 4], q: [2, 5] }), /'q' must be .*got \[2, 5\]/],
  ];

  it.each(cases)('of which %s is wrong are refused', async (_, run, message) => {
    using model = compile(twoInputs(), { threadsPerStream: 1 });
    await expect(run(model)).rejects.toThrow(message);
  });

  it('fit by name whatever their order', async () => {
    using model = compile(twoInputs(), { threadsPerStream: 1 });
    const [a, b] = [
      Tensor.from('float32', [1, 2, 3, 4], [1, 4]),
      Tensor.from('float32', [4, 4, 4, 4], [1, 4]),
    ];
    const { add_tensor: sum, sub_tensor: difference } = await model.run({ q: b, p: a });
    expect(sum.toArray()).toEqual([5, 6, 7, 8]);
    expect(difference.toArray()).toEqual([-3, -2, -1, 0]);
  });
});
