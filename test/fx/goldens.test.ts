import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { GraphModule, Interpreter, type Node } from '../../lib/graph/index.ts';
import * as octavo from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import type { ObserverOrFakeQuantize } from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { TinyCNN } from '../models/tiny-cnn.ts';
import { glyphBatch, hasGoldensKernels, scaleTolerance } from '../support/pt2e-goldens.ts';
import { Attention, Mixed, Reshaped, Words } from './networks.ts';

const { prepareFx, QConfigMapping } = octavo;

/** What script/goldens/fx.py wrote of PyTorch 2.6. */
interface Golden {
  readonly observed: readonly {
    readonly node: string;
    readonly observer: number;
    readonly scale?: number;
    readonly zero_point?: number;
  }[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

const fixture = (file: string) => fileURLToPath(new URL(`../fixtures/fx/${file}`, import.meta.url));
const goldens = JSON.parse(readFileSync(fixture('goldens.json'), 'utf8')) as Readonly<Record<string, Golden>>;
let tensors: ReadonlyMap<string, Tensor>;
beforeAll(async () => {
  tensors = await loadNpz(fixture('tensors.npz'));
});

const storedModel = (name: string) =>
  loadPt2(fileURLToPath(new URL(`../../models/${name}.pt2`, import.meta.url)));

/** The network with the state that PyTorch had. */
function withState<M extends nn.Module>(name: string, module: M): M {
  const prefix = `${name}/state/`;
  const state = [...tensors].filter(([key]) => key.startsWith(prefix));
  module.loadStateDict(new Map(state.map(([key, tensor]) => [key.slice(prefix.length), tensor])));
  return module.eval() as M;
}

const batches = (kind: string) =>
  [...tensors].filter(([key]) => key.startsWith(`${kind}/`)).map(([, x]) => x);

const observerOf = (module: GraphModule, node: Node) => module.module(node.target) as ObserverOrFakeQuantize;

/** Of a parameter; in training of what a batch norm scales it to, which has a scale for each channel. */
const isWeight = (module: GraphModule, node: Node) =>
  (node.args[0] as Node).op === 'get_attr' || observerOf(module, node).chAxis !== undefined;

/** The observers of activations in graph order, as goldens.json has them, without the names of nodes. */
function observed(prepared: GraphModule) {
  const numbers = new Map<unknown, number>();
  return prepared.graph.nodes
    .filter((node) => node.op === 'call_module' && !isWeight(prepared, node))
    .map((node) => {
      const observer = observerOf(prepared, node);
      if (!numbers.has(observer)) numbers.set(observer, numbers.size);
      const number = numbers.get(observer)!;
      if (observer.isDynamic) return { observer: number };
      const { scale, zeroPoint } = observer.calculateQparams();
      return { observer: number, scale: Number(scale.item()), zero_point: Number(zeroPoint.item()) };
    });
}

/** Scales of the weights by their module's name. */
function weightScales(prepared: GraphModule): ReadonlyMap<string, readonly number[]> {
  const weights = prepared.graph.nodes.filter(
    ({ op, args }) => op === 'call_module' && (args[0] as Node).op === 'get_attr',
  );
  return new Map(
    weights.map((node) => {
      const { target } = node.args[0] as Node;
      const observer = observerOf(prepared, node);
      if (!observer.hasObserved) observer.forward(prepared.attribute(target));
      return [target.replace(/\.weight$/, ''), observer.calculateQparams().scale.toArray().map(Number)];
    }),
  );
}

/**
 * Observers see what float32 arithmetic makes of the inputs, whose sums of products are rounded in other orders here: about 1e-6 of the
 * largest value. A zero point on the border between two integers may then be the other one.
 */
function expectSameObservers(
  prepared: GraphModule,
  { observed: expected, weights }: Golden,
  tolerance = scaleTolerance,
) {
  const actual = observed(prepared);
  expect(actual.map(({ observer }) => observer)).toEqual(expected.map(({ observer }) => observer));
  actual.forEach(({ scale, zero_point }, i) => {
    const { scale: theirs, zero_point: theirZero, node } = expected[i]!;
    expect(scale === undefined, node).toBe(theirs === undefined);
    if (theirs === undefined) return;
    expect(Math.abs(scale! - theirs) / theirs, node).toBeLessThan(tolerance);
    expect(Math.abs(zero_point! - theirZero!), node).toBeLessThanOrEqual(1);
  });
  expect(
    actual.filter(({ zero_point }, i) => zero_point !== expected[i]!.zero_point).length,
  ).toBeLessThanOrEqual(1);
  const scales = weightScales(prepared);
  for (const [name, theirs] of Object.entries(weights)) {
    const ours = scales.get(name);
    expect(ours?.length, name).toBe(theirs.length);
    for (const [i, scale] of theirs.entries())
      expect(Math.abs(ours![i]! - scale) / scale, name).toBeLessThan(1e-5);
  }
}

/** How far apart two results are at most, in steps. */
function distance(actual: Tensor, expected: Tensor, step: number): number {
  expect(actual.shape).toEqual(expected.shape);
  const theirs = expected.toArray().map(Number);
  return Math.max(...actual.toArray().map((value, i) => Math.abs(Number(value) - theirs[i]!) / step));
}

/**
 * In steps of the result. An average that lies on the border between two integers is rounded to either, by the order in which it was
 * summed; a layer after it makes that a few steps of its own. Where float kernels differ from the goldens' some scales do, too.
 */
const BORDERS = hasGoldensKernels ? 3 : 6;

type Make = () => nn.Module | Promise<GraphModule>;

async function expectAsPyTorch(
  name: string,
  make: Make,
  mapping: octavo.QConfigMapping,
  inputs: readonly Tensor[],
  options: { readonly backendConfig?: octavo.BackendConfig; readonly steps?: number } = {},
) {
  const golden = goldens[name]!;
  const { backendConfig = octavo.getNativeBackendConfig() } = options;
  const model = await make();
  const example = model instanceof GraphModule ? {} : { x: inputs[0]! };
  const prepared = prepareFx(model, mapping, example, { backendConfig });
  await octavo.calibrate(prepared, inputs);
  expectSameObservers(prepared, golden);
  const last = inputs.at(-1)!;
  const reference = tensors.get(`${name}/reference`)!;
  // Results in float have no steps; 7 bits have at least this one.
  const values = reference.toArray().map(Number);
  const step = golden.observed.at(-1)?.scale ?? (Math.max(...values) - Math.min(...values)) / 127;
  const [interpreted] = new Interpreter(octavo.convertToReferenceFx(prepared), operators).run([last]);
  const atMost = options.steps ?? BORDERS;
  expect(distance(interpreted as Tensor, reference, step)).toBeLessThan(atMost + 0.01);
  using compiled = octavo.compile(octavo.convertFx(prepared));
  const [output] = Object.values(await compiled.run(last)) as [Tensor];
  expect(distance(output, reference, step)).toBeLessThan(atMost + 0.01);
  // No farther from PyTorch's kernels than these are from PyTorch's reference, and the borders.
  const quantized = tensors.get(`${name}/quantized`);
  if (quantized)
    expect(distance(output, quantized, step)).toBeLessThan(
      distance(quantized, reference, step) + atMost + 0.01,
    );
}

const x86 = () => octavo.getDefaultQconfigMapping('x86');

describe('FX graph mode of PyTorch 2.6', () => {
  it.each(['glyph_resnet', 'glyph_mobilenet'])('quantizes %s', async (name) => {
    const inputs = [
      await glyphBatch('calib.npz', 0, 64),
      await glyphBatch('calib.npz', 64, 64),
      await glyphBatch('test.npz', 0, 16),
    ];
    await expectAsPyTorch(name, () => storedModel(name), x86(), inputs);
  });

  it('quantizes tiny_cnn', async () => {
    const { attributes } = await storedModel('tiny_cnn');
    const model = new TinyCNN();
    model.loadStateDict(attributes);
    await expectAsPyTorch('tiny_cnn', () => model.eval(), x86(), batches('images'));
  });

  it('shares observers among pooling, concatenation and sums with numbers', async () => {
    const mixed = () => withState('mixed', new Mixed());
    await expectAsPyTorch('mixed', mixed, x86(), batches('images'));
    await expectAsPyTorch(
      'mixed, onednn',
      mixed,
      octavo.getDefaultQconfigMapping('onednn'),
      batches('images'),
    );
    await expectAsPyTorch('mixed, x86 backend config', mixed, x86(), batches('images'), {
      backendConfig: octavo.getX86BackendConfig(),
    });
  });

  it('leaves known ranges in float that have no observers of their own', async () => {
    const mixed = () => withState('mixed', new Mixed());
    const mapping = new QConfigMapping().setGlobal(octavo.defaultQconfig);
    await expectAsPyTorch('mixed, one qconfig', mixed, mapping, batches('images'));
  });

  it('takes configurations by type, regular expression, name and number', async () => {
    const mapping = new QConfigMapping()
      .setGlobal(octavo.getDefaultQconfig('x86'))
      .setObjectType(nn.Linear, octavo.defaultPerChannelQconfig)
      .setObjectType('torch.cat', null)
      .setModuleNameRegex('conv[0-9]', octavo.defaultQconfig)
      .setModuleName('conv2', null)
      .setModuleName('fc2', null)
      .setModuleNameObjectTypeOrder('', nn.Conv2d, 3, octavo.defaultPerChannelQconfig);
    await expectAsPyTorch(
      'mixed, by name',
      () => withState('mixed', new Mixed()),
      mapping,
      batches('images'),
    );
  });

  it('quantizes what a backend takes', async () => {
    const inputDtype = new octavo.DTypeWithConstraints({
      dtype: 'uint8',
      quantMinLowerBound: 0,
      quantMaxUpperBound: 100,
    });
    const narrow = new octavo.DTypeConfig({
      inputDtype,
      outputDtype: 'uint8',
      weightDtype: 'int8',
      biasDtype: 'float32',
    });
    const backendConfig = octavo
      .getNativeBackendConfig()
      .setBackendPatternConfig(new octavo.BackendPatternConfig(nn.Linear).setDtypeConfigs([narrow]))
      .setBackendPatternConfig(
        new octavo.BackendPatternConfig([nn.Linear, nn.ReLU]).setDtypeConfigs([narrow]),
      )
      .setBackendPatternConfig(new octavo.BackendPatternConfig(nn.Hardswish));
    await expectAsPyTorch(
      'mixed, restricted backend',
      () => withState('mixed', new Mixed()),
      x86(),
      batches('images'),
      {
        backendConfig,
      },
    );
  });

  it('quantizes attention', async () => {
    const attention = () => withState('attention', new Attention());
    await expectAsPyTorch('attention', attention, x86(), batches('rows'));
    await expectAsPyTorch('attention, x86 backend config', attention, x86(), batches('rows'), {
      backendConfig: octavo.getX86BackendConfig(),
    });
  });

  it('gives reshapes the observer of their input, if there is one on the way to it', async () => {
    await expectAsPyTorch('reshaped', () => withState('reshaped', new Reshaped()), x86(), batches('rows'));
  });

  it.each([
    ['dynamic', octavo.defaultDynamicQconfig],
    ['per channel dynamic', octavo.perChannelDynamicQconfig],
  ])('quantizes linear layers, %s', async (name, qconfig) => {
    const attention = () => withState('attention', new Attention());
    const mapping = new QConfigMapping().setGlobal(qconfig);
    // Float32 sums of integers, in another order.
    await expectAsPyTorch(`attention, ${name}`, attention, mapping, batches('rows'), { steps: 0 });
  });

  it('keeps float16 weights', async () => {
    const model = withState('attention', new Attention());
    const mapping = new QConfigMapping().setGlobal(octavo.float16DynamicQconfig);
    const [x] = batches('rows').slice(-1) as [Tensor];
    const prepared = prepareFx(model, mapping, { x });
    // PyTorch's reference also rounds inputs, which its kernels do not.
    expect(observed(prepared)).toEqual([]);
    const converted = octavo.convertToReferenceFx(prepared);
    const [actual] = new Interpreter(converted, operators).run([x]) as [Tensor];
    const reference = tensors.get('attention, float16/reference')!;
    const largest = Math.max(...reference.toArray().map((value) => Math.abs(Number(value))));
    // Five layers deep, each input rounded to 11 bits.
    expect(distance(actual, reference, largest * 2 ** -11)).toBeLessThan(5);
    const { graph } = octavo.convertFx(prepared);
    expect(graph.nodes.filter(({ target }) => target === 'onednn.linear_dynamic_fp16.default').length).toBe(
      5,
    );
  });

  it('quantizes tables, recurrent and linear layers dynamically', async () => {
    const mapping = new QConfigMapping()
      .setObjectType(nn.Embedding, octavo.floatQparamsWeightOnlyQconfig)
      .setObjectType(nn.LSTM, octavo.defaultDynamicQconfig)
      .setObjectType(nn.Linear, octavo.defaultDynamicQconfig)
      .setObjectType(nn.ReLU, octavo.defaultDynamicQconfig);
    const words = () => withState('words', new Words());
    await expectAsPyTorch('words', words, mapping, batches('tokens'));
  });
});

describe('prepareQatFx', () => {
  it("trains as PyTorch does and becomes PyTorch's model", async () => {
    const model = new TinyCNN();
    const { attributes } = await storedModel('tiny_cnn');
    model.loadStateDict(attributes);
    const inputs = batches('images');
    const mapping = octavo.getDefaultQatQconfigMapping('x86');
    const prepared = octavo.prepareQatFx(model.train(), mapping, { x: inputs[0]! });
    using trainer = new Trainer(prepared, {
      loss: ([logits], { labels }) => nn.functional.crossEntropy(logits!, labels!),
      targets: { labels: { dtype: 'int64', shape: [2] } },
      optimizer: new SGD({ lr: 0.02 }),
    });
    const golden = goldens.training as Golden & { readonly losses: readonly number[] };
    for (const [i, loss] of golden.losses.entries()) {
      const labels = Tensor.from('int64', [i, i + 1]);
      const step = await trainer.step({ x: inputs[i]! }, { labels });
      // A value that is rounded to the other integer moves the loss in the fifth digit.
      expect(Math.abs(step.loss / loss - 1)).toBeLessThan(1e-4);
    }
    octavo.moveExportedModelToEval(prepared);
    expectSameObservers(prepared, golden, 1e-3);
    const reference = tensors.get('training/reference')!;
    const [output] = new Interpreter(octavo.convertToReferenceFx(prepared), operators).run([inputs.at(-1)!]);
    expect(distance(output as Tensor, reference, golden.observed.at(-1)!.scale!)).toBeLessThan(BORDERS);
  });
});
