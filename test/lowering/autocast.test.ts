import { afterEach, describe, expect, it, vi } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import type { GraphModule, Node } from '../../lib/graph/index.ts';
import { type LoweringReport, lower } from '../../lib/lowering/index.ts';
import { addon } from '../../lib/native/addon.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { convertDynamic } from '../../lib/recipes/convert.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { transformerInput } from '../quantization/transformer.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import {
  calibrationBatches,
  captureModel,
  glyphBatch,
  goldenTensor,
  quantizeModel,
} from '../support/pt2e-goldens.ts';
import { interpret } from '../support/run-pass.ts';

/** On any CPU. */
const autocast = { dtype: 'bfloat16', force: true } as const;

/** Each operator of the captured graph that is computed, with the dtype of its result. */
const dtypesOf = ({ nodes }: LoweringReport) =>
  Object.fromEntries(nodes.filter(({ dtype }) => dtype).map(({ node, dtype }) => [node, dtype]));

const counted = ({ passes }: LoweringReport, name: string) => passes.find(({ pass }) => pass === name)?.count;

/** A model quantized but for the modules of some names. */
async function partlyQuantized(name: string, floatModules: readonly string[]): Promise<GraphModule> {
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
  for (const module of floatModules) quantizer.setModuleNameQconfig(module, null);
  const prepared = preparePt2e(await captureModel(name), quantizer);
  await calibrate(prepared, calibrationBatches(name));
  return convertPt2e(prepared);
}

const rms = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

/** The root of the mean squared difference, as a part of the values' own size. */
function relativeError(actual: Tensor, expected: Tensor): number {
  expect([actual.dtype, actual.shape]).toEqual([expected.dtype, expected.shape]);
  const exact = expected.toArray();
  return rms(actual.toArray().map((value, i) => value - exact[i])) / rms(exact);
}

/** Of every row, where its greatest value is. */
function top1(logits: Tensor): number[] {
  const [rows, classes] = logits.shape;
  const values = logits.toArray();
  return Array.from({ length: rows }, (_, row) => {
    const own = values.slice(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}

describe('tiny_cnn in bfloat16', () => {
  it('computes in it from the cast of its input to that of its output', async () => {
    const { module, report } = lower(await captureModel('tiny_cnn'), { autocast });
    const calls = module.graph.nodes.filter(({ op }) => op === 'call_function');
    expect(calls.map(({ target, meta: { val } }) => [target, (val as Tensor).dtype])).toEqual([
      ['aten.to.dtype', 'bfloat16'],
      ['mkldnn._convolution_pointwise.default', 'bfloat16'],
      ['aten.max_pool2d.default', 'bfloat16'],
      ['mkldnn._convolution_pointwise.default', 'bfloat16'],
      ['mkldnn._convolution_pointwise.binary', 'bfloat16'],
      ['aten.adaptive_avg_pool2d.default', 'bfloat16'],
      ['aten.flatten.using_ints', 'bfloat16'],
      ['mkldnn._linear_pointwise.default', 'bfloat16'],
      ['aten.to.dtype', 'float32'],
    ]);
    expect(counted(report, 'autocast')).toBe(7);
    expect(new Set(Object.values(dtypesOf(report)))).toEqual(new Set(['bfloat16']));
  });

  it('keeps weights in bfloat16 alone, and biases in float32', async () => {
    const { attributes } = lower(await captureModel('tiny_cnn'), { autocast }).module;
    const dtypes = [...attributes].map(([name, { dtype }]) => [/bias/.test(name), dtype]);
    expect(dtypes.sort()).toEqual([
      ...Array(4).fill([false, 'bfloat16']),
      ...Array(4).fill([true, 'float32']),
    ]);
  });

  it('changes nothing where nothing is float: the last layer gives float32 at once', async () => {
    const { converted } = await quantizeModel('tiny_cnn');
    const [plain, cast] = [lower(converted), lower(converted, { autocast })];
    expect(dtypesOf(cast.report)).toEqual(dtypesOf(plain.report));
    expect(counted(cast.report, 'absorb-casts')).toBe(1);
    const input = goldenTensor('tiny_cnn/eval_in');
    expect(interpret(cast.module, input)).toEqual(interpret(plain.module, input));
  });
});

describe('int8 mixed with bfloat16', () => {
  it('says of every node of tiny_cnn which it is', async () => {
    const converted = await partlyQuantized('tiny_cnn', ['conv2']);
    const { report, module } = lower(converted, { autocast });
    expect(dtypesOf(report)).toMatchObject({
      quantize_per_tensor_default: 'uint8',
      conv2d: 'uint8',
      relu: 'uint8',
      max_pool2d: 'uint8',
      conv2d_1: 'bfloat16',
      relu_1: 'bfloat16',
      linear: 'float32',
    });
    const dtypes = module.graph.nodes.map(
      ({ target, meta: { val } }) => `${target} ${(val as Tensor)?.dtype}`,
    );
    // The float convolution reads the bfloat16 that the one before it gives, and is rounded to integers by a quantize.
    expect(dtypes).toContain('mkldnn._convolution_pointwise.default bfloat16');
    expect(dtypes).not.toContain('mkldnn._convolution_pointwise.default float32');
  });
});

/**
 * What bfloat16 costs: each rounding moves a value by up to 2^-9 of itself, 2^-10.8 on average (root of the mean square).
 * Ten to thirty of them that add up like independent errors come to 2^-8.4, or 0.3 percent; where values cancel, what is
 * left is off by a few times that.
 */
const bfloat16Error = 0.015;

describe.each([
  { name: 'tiny_cnn', floats: ['conv2'] },
  { name: 'glyph_resnet', floats: ['l1.0', 'l2.1', 'fc'] },
  { name: 'glyph_mobilenet', floats: ['stem', 'body.2', 'body.4'] },
])('$name', ({ name, floats }) => {
  const batch = () =>
    name === 'tiny_cnn' ? goldenTensor('tiny_cnn/eval_in') : glyphBatch('test.npz', 0, 64);

  it.each(['bfloat16', 'mixed'] as const)('in %s agrees with float32', async (kind) => {
    const source = kind === 'mixed' ? await partlyQuantized(name, floats) : await captureModel(name);
    const [plain, cast] = [lower(source), lower(source, { autocast })];
    expect(counted(cast.report, 'autocast')).toBeGreaterThan(1);
    const dtypes = new Set(Object.values(dtypesOf(cast.report)));
    expect(dtypes.has('uint8')).toBe(kind === 'mixed');
    expect(dtypes.has('bfloat16')).toBe(true);
    const x = await batch();
    const exact = interpret(lower(await captureModel(name)).module, x)[0];
    // An integer that rounding moved is a whole quantization step off, but so are those next to it that quantization
    // itself moved: measured against the float model, the mixed one has hardly more error than the one with float32.
    const allowed =
      kind === 'mixed' ? 1.2 * relativeError(interpret(plain.module, x)[0], exact) : bfloat16Error;
    using model = compile(cast.module);
    const [planned] = Object.values(await model.run(x));
    for (const result of [planned, interpret(cast.module, x)[0]])
      expect(relativeError(result, exact)).toBeLessThan(allowed);
    const [mine, theirs] = [top1(planned), top1(exact)];
    const agreeing = mine.filter((winner, row) => winner === theirs[row]).length;
    // Of 64 images, three may have two classes that lie closer together than that.
    expect(agreeing / mine.length).toBeGreaterThanOrEqual(0.95);
    for (const step of model.plan([...x.shape]).steps)
      expect(step.implementation, step.node).not.toMatch(/(^|\+)ref/);
  });
});

describe('a transformer', () => {
  const sources = {
    float: () => captureModel('transformer'),
    quantized: async () => (await quantizeModel('transformer')).converted,
    'quantized dynamically': async () => convertDynamic(await captureModel('transformer')),
  };
  it.each(Object.entries(sources))('computes attention in bfloat16, %s', async (_, capture) => {
    const source = await capture();
    const [plain, cast] = [lower(source), lower(source, { autocast })];
    const nodes = cast.report.nodes.filter(({ target }) => /attention|gelu|layer_norm/.test(target));
    // The sum with the layer's own input, float32, is float32, as in PyTorch; so are the norms of that.
    const expected = { scaled_dot_product_attention: 'bfloat16', layer_norm: 'float32' };
    for (const { target, dtype, step } of nodes) {
      const operator = Object.keys(expected).find((part) => target.includes(part)) as keyof typeof expected;
      if (operator) expect([target, dtype]).toEqual([target, expected[operator]]);
      else if (step?.startsWith('mkldnn')) expect(dtype).toBe('bfloat16');
    }
    const x = transformerInput(7);
    using model = compile(cast.module);
    const [planned] = Object.values(await model.run(x));
    expect(relativeError(planned, interpret(plain.module, x)[0])).toBeLessThan(bfloat16Error);
  });
});

describe("torchvision's networks", () => {
  it.each(['squeezenet1_1', 'mobilenet_v3_small'])(
    '%s is bfloat16 from its first layer to its last',
    (name) => {
      nn.manualSeed(0);
      const image = uniform([1, 3, 64, 64], -2, 2, 5);
      const captured = exportModel(referenceModels[name]().eval(), { x: image });
      const { module, report } = lower(captured, { autocast });
      expect(new Set(Object.values(dtypesOf(report)))).toEqual(new Set(['bfloat16']));
      using model = compile(module);
      const [planned] = Object.values(model.runSync(image));
      expect(relativeError(planned, interpret(captured, image)[0])).toBeLessThan(bfloat16Error);
    },
  );
});

describe('whether this CPU is fast in bfloat16', () => {
  afterEach(() => vi.restoreAllMocks());

  const tiny = () => {
    const build = new GraphBuilder();
    const x = build.input('x', [2, 8]);
    return build.finish(build.call('aten.linear.default', x, build.parameter('w', [4, 8])));
  };

  it('is asked first, and the answer given as the reason', () => {
    vi.spyOn(addon, 'rawCpu').mockReturnValue({ cpuid: [], xcr0: 0, permittedStates: 0 });
    const message =
      'lower: autocast to bfloat16 would be slower than float32: this CPU has neither AVX512_BF16 nor AMX-BF16 ' +
      "instructions; for a model that will run on another CPU, force it (autocast: { dtype: 'bfloat16', force: true })";
    expect(() => lower(tiny(), { autocast: 'bfloat16' })).toThrow(message);
    expect(() => lower(tiny(), { autocast: { dtype: 'bfloat16' } })).toThrow(message);
    expect(counted(lower(tiny(), { autocast }).report, 'autocast')).toBe(1);
  });

  it('does not matter for a dtype there is no autocast to', () => {
    for (const autocast of ['float16', null, { dtype: 'float16' }]) {
      const option = { autocast } as unknown as Parameters<typeof lower>[1];
      expect(() => lower(tiny(), option)).toThrow(
        `lower: autocast must be 'bfloat16', got '${autocast === null ? 'null' : 'float16'}'`,
      );
    }
  });
});

describe('what follows products that reads one dtype alone', () => {
  /** A product of 4 rows, and what `build` makes of it. */
  function following(build: (b: GraphBuilder, product: Node) => Node): GraphModule {
    const b = new GraphBuilder();
    return b.finish(build(b, b.call('aten.linear.default', b.input('x', [4, 8]), b.parameter('w', [32, 8]))));
  }

  it.each<[string, GraphModule]>([
    [
      'a grid of places',
      following((b, product) => {
        const images = b.call('aten.view.default', product, [4, 2, 4, 4]);
        return b.call('aten.grid_sampler_2d.default', images, b.parameter('grid', [4, 3, 3, 2]), 0, 0, false);
      }),
    ],
    [
      'rows that are written into float32',
      following((b, product) => {
        const index = b.constant('index', Tensor.from('int64', [3, 1, 0, 2]));
        return b.call('aten.index_add.default', b.parameter('table', [5, 32]), 0, index, product);
      }),
    ],
    [
      'float32 that is written into it',
      following((b, product) =>
        b.call('aten.slice_scatter.default', product, b.parameter('part', [4, 6]), 1, 0, 12, 2),
      ),
    ],
  ])('%s', (_, module) => {
    const lowered = lower(module, { autocast }).module;
    const x = uniform([4, 8], -1, 1, 5);
    const [expected, actual] = [module, lowered].map((each) => interpret(each, x)[0]);
    expect(relativeError(actual, expected)).toBeLessThan(bfloat16Error);
  });
});

it('outputs keep their names', () => {
  const x = { dtype: 'float32', shape: [2, 8] } as const;
  const captured = exportModel(new nn.Linear(8, 4), { x });
  const outputs = [captured, lower(captured, { autocast }).module].map((module) => {
    using model = compile(module);
    return model.outputs;
  });
  expect(outputs[1]).toEqual(outputs[0]);
});
