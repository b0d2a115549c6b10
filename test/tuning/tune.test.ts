import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  calibrate,
  compile,
  convertPt2e,
  formatTuning,
  type GraphModule,
  loadModel,
  loadPt2,
  lower,
  preparePt2e,
  type Tensor,
  type Tuning,
  tune,
  X86Quantizer,
} from '../../lib/index.ts';
import { getDefaultX86QuantizationConfig } from '../../lib/quantization/index.ts';
import { untuned } from '../../lib/runtime/decisions.ts';
import { uniform } from '../support/graph-builder.ts';
import { greatestDifference, interpret } from '../support/run-pass.ts';

/** Layers in float; a linear one keeps its int8 weight and computes in float with it. */
const inFloat = /^(mkldnn\._|octavo\.weight_only_linear)/;
const layers = ['conv2d', 'conv2d_1', 'conv2d_2', 'linear'];
const x = uniform([2, 3, 32, 32], -2, 2, 7);
let converted: GraphModule;
let expected: Tensor;

beforeAll(async () => {
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
  const prepared = preparePt2e(await loadPt2('models/tiny_cnn.pt2'), quantizer);
  await calibrate(prepared, [uniform([8, 3, 32, 32], -2, 2, 1)]);
  converted = convertPt2e(prepared);
  [expected] = interpret(converted, x);
});

describe('lower with keepFloat', () => {
  it.each([[['conv2d']], [['conv2d_1', 'linear']], [['conv2d_2']], [layers]])(
    '%j: these compute in float, the others on integers, and the result is the quantized graph’s',
    (keepFloat) => {
      const { module, report } = lower(converted, { keepFloat, strict: true });
      const steps = Object.fromEntries(report.nodes.map(({ node, step }) => [node, step]));
      for (const layer of layers)
        expect(steps[layer], layer).toMatch(keepFloat.includes(layer) ? inFloat : /^onednn\.q/);
      // Requantized values may round to the neighbour, a step of about 0.01, which the last layer adds up.
      expect(greatestDifference(interpret(module, x)[0], expected)).toBeLessThan(0.02);
    },
  );

  it('names what is no layer of the graph, and those there are', () => {
    expect(() => lower(converted, { keepFloat: ['relu'] })).toThrow(
      "lower: keepFloat: there is no convolution or linear layer 'relu'; there are conv2d, conv2d_1, conv2d_2, linear",
    );
  });
});

describe('tune', () => {
  it('measures every layer, lowers as it decided, and the model keeps what was decided', async () => {
    const progress: string[] = [];
    const { module, report, tuning } = tune(converted, x, {
      threadsPerStream: 2,
      strict: true,
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    expect(tuning.layers.map(({ node }) => node)).toEqual(layers);
    expect(progress).toEqual(['1/4', '2/4', '3/4', '4/4']);
    const steps = Object.fromEntries(report.nodes.map(({ node, step }) => [node, step]));
    for (const { node, choice, times } of tuning.layers) {
      expect(steps[node]).toMatch(choice === 'float' ? inFloat : /^onednn\.q/);
      expect(Math.min(times.int8, times.float)).toBeGreaterThan(0);
      if (choice === 'float') expect(times.float).toBeLessThan(times.int8);
    }
    expect(tuning.threads.map(({ shapes, times }) => [shapes, Object.keys(times)])).toEqual([
      [[[2, 3, 32, 32]], ['1', '2']],
    ]);
    expect(tuning.parts.map(({ shapes, times }) => [shapes, Object.keys(times)])).toEqual([
      [[[2, 3, 32, 32]], ['1', '2']],
    ]);

    const folder = await mkdtemp(join(tmpdir(), 'octavo-'));
    try {
      using model = compile(module, { tuning, threadsPerStream: 2 });
      await model.save(join(folder, 'tuned'));
      using loaded = await loadModel(join(folder, 'tuned'), { threadsPerStream: 2 });
      expect(loaded.tuning).toEqual(tuning);
      const { threads, parts } = loaded.plan([2, 3, 32, 32]);
      expect(threads).toBeLessThanOrEqual(tuning.threads[0].choice);
      expect(parts).toBe(tuning.parts[0].choice);
      const [output] = Object.values(await loaded.run(x));
      expect(greatestDifference(output, expected)).toBeLessThan(0.02);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says what is wrong with inputs that do not fit', () => {
    expect(() => tune(converted, uniform([2, 1, 32, 32], -1, 1, 1))).toThrow(/input 'x' must be float32/);
  });
});

describe('a tuning that a model is compiled with', () => {
  const layer = { node: 'conv2d', choice: 'float', times: { int8: 2, float: 1 } } as const;
  const kernel = {
    ...{ shapes: [[2, 3, 32, 32]], isa: 'avx2', node: 'conv', choice: 'brgconv:avx2' },
    times: { 'jit:avx2': 2, 'brgconv:avx2': 1.5 },
  };
  const onThreads = (choice: number, batch: number) => ({
    ...{ shapes: [[batch, 3, 32, 32]], choice, times: { '1': 0.25, '3': 0.125 } },
  });

  it('decides the threads of plans for its shapes, as far as the model has them', () => {
    const threads = [onThreads(3, 2), onThreads(1, 64), onThreads(9, 1)];
    const tuning: Tuning = { ...untuned, threads };
    using model = compile(lower(converted).module, { tuning, threadsPerStream: 4 });
    const used = (batch: number) => model.plan([batch, 3, 32, 32]).threads;
    expect([used(2), used(64), used(1)]).toEqual([3, 1, 4]);
  });

  const inParts = (choice: number, batch: number) => ({
    ...{ shapes: [[batch, 3, 32, 32]], choice, times: { '1': 0.5, '4': 0.25 } },
  });

  it('decides the parts of a batch, each on a thread', () => {
    const parts = [inParts(4, 8), inParts(1, 16), inParts(16, 32)];
    using model = compile(lower(converted).module, { tuning: { ...untuned, parts }, threadsPerStream: 3 });
    const planned = (batch: number) => {
      const plan = model.plan([batch, 3, 32, 32]);
      return [plan.parts, plan.threads];
    };
    expect(planned(8)).toEqual([4, 3]);
    expect(planned(16)[0]).toBe(1);
    expect(planned(32)).toEqual([16, 3]);
  });

  it('computes the same in parts', () => {
    using model = compile(lower(converted).module, { tuning: { ...untuned, parts: [inParts(2, 2)] } });
    using whole = compile(lower(converted).module, { tuning: { ...untuned, parts: [inParts(1, 2)] } });
    const [[divided], [undivided]] = [model, whole].map((each) => Object.values(each.runSync(x)));
    expect(divided.toArray()).toEqual(undivided.toArray());
  });

  it('needs no parts and no kernels: files from before there were any have none', () => {
    const old = { layers: [layer], threads: [] } as unknown as Tuning;
    using model = compile(lower(converted).module, { tuning: old });
    expect(model.tuning).toEqual({ ...old, parts: [], kernels: [] });
  });

  it('is printed by line', () => {
    expect(formatTuning(untuned)).toBe('');
    const tuning = {
      ...{ layers: [layer], threads: [onThreads(3, 2)], parts: [inParts(4, 8)], kernels: [kernel] },
    };
    expect(formatTuning(tuning).split('\n')).toEqual([
      'chosen by measurement:',
      '  conv2d: float (int8 2.000 ms, float 1.000 ms)',
      '  threads for [2, 3, 32, 32]: 3 (1 0.250 ms, 3 0.125 ms)',
      '  parts of [8, 3, 32, 32]: 4 (1 0.500 ms, 4 0.250 ms)',
      '  kernel of conv for [2, 3, 32, 32]: brgconv:avx2 (jit:avx2 2.000 ms, brgconv:avx2 1.500 ms)',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['no fields', 3, 'tuning must be an object'],
    ['no lists', {}, 'tuning.layers must be an array'],
    ['no node', { layers: [{ ...layer, node: 3 }], threads: [] }, 'tuning.layers[0].node must be a string'],
    [
      'another choice',
      { layers: [{ ...layer, choice: 'int4' }], threads: [] },
      `tuning.layers[0].choice must be 'int8' or 'float', got "int4"`,
    ],
    [
      'a time missing',
      { layers: [{ ...layer, times: { int8: 1 } }], threads: [] },
      'tuning.layers[0].times must have int8 and float',
    ],
    [
      'no time',
      { layers: [{ ...layer, times: { int8: 1, float: 'x' } }], threads: [] },
      'tuning.layers[0].times.float must be a time in milliseconds',
    ],
    [
      'no threads',
      { layers: [], threads: [{ ...onThreads(0, 1) }] },
      'tuning.threads[0].choice must be a whole number of 1 or more, got 0',
    ],
    [
      'no shape',
      { layers: [], threads: [{ ...onThreads(1, 1), shapes: [3] }] },
      'tuning.threads[0].shapes must be an array',
    ],
    [
      'parts of unequal size',
      { layers: [], threads: [], parts: [inParts(3, 8)] },
      'tuning.parts[0].choice must divide the batch of 8, got 3',
    ],
    [
      'a kernel without a name',
      { layers: [], threads: [], kernels: [{ ...kernel, choice: 3 }] },
      'tuning.kernels[0].choice must be a string',
    ],
  ])('is refused when it has %s', (_, tuning, message) => {
    expect(() => compile(lower(converted).module, { tuning: tuning as Tuning })).toThrow(message);
  });
});
