import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { differentiate } from '../../lib/autograd/differentiate.ts';
import { writeStateAsValues } from '../../lib/autograd/functional-state.ts';
import { type GraphModule, Interpreter, printGraph, propagateShapes } from '../../lib/graph/index.ts';
import {
  compile,
  convertPt2e,
  exportModel,
  FakeQuantize,
  FixedQParamsFakeQuantize,
  FixedQParamsObserver,
  getDefaultX86QuantizationConfig,
  HistogramObserver,
  lower,
  MinMaxObserver,
  MovingAveragePerChannelMinMaxObserver,
  moveExportedModelToEval,
  PerChannelMinMaxObserver,
  prepareQatPt2e,
  Tensor,
  X86Quantizer,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { build, execute } from '../support/run-plan.ts';
import { relativeError } from '../support/spatial.ts';
import { unnamed } from '../support/unnamed-graph.ts';

const F = nn.functional;

/** Written by script/goldens/fake_quantizers.py with PyTorch 2.6. */
interface Golden {
  readonly calls: Readonly<
    Record<
      string,
      readonly Readonly<Record<'x' | 'grad' | 'y' | 'gradient' | 'scale' | 'zero_point', number[]>>[]
    >
  >;
  readonly dynamic: {
    readonly weights: Readonly<Record<string, readonly number[]>>;
    readonly inputs: readonly (readonly number[])[];
    readonly labels: readonly (readonly number[])[];
    readonly losses: readonly number[];
    readonly results: readonly number[];
  };
}

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/training/${name}`, import.meta.url), 'utf8');
const golden: Golden = JSON.parse(fixture('fake_quantizers.json'));

const makers: Readonly<Record<string, () => FakeQuantize | FixedQParamsFakeQuantize>> = {
  'minimum and maximum': () => new FakeQuantize({ observer: MinMaxObserver, quantMin: 0, quantMax: 255 }),
  'moving average': () =>
    new FakeQuantize({ dtype: 'int8', quantMin: -8, quantMax: 7, averagingConstant: 0.25, eps: 2 ** -12 }),
  symmetric: () =>
    new FakeQuantize({
      observer: MinMaxObserver,
      quantMin: 0,
      quantMax: 127,
      qscheme: 'per_tensor_symmetric',
    }),
  'per channel': () =>
    new FakeQuantize({
      observer: PerChannelMinMaxObserver,
      dtype: 'int8',
      quantMin: -128,
      quantMax: 127,
      qscheme: 'per_channel_symmetric',
    }),
  'moving average per channel': () =>
    new FakeQuantize({
      observer: MovingAveragePerChannelMinMaxObserver,
      quantMin: 0,
      quantMax: 15,
      qscheme: 'per_channel_affine',
      chAxis: 1,
      averagingConstant: 0.25,
    }),
  dynamic: () => new FakeQuantize({ quantMin: 0, quantMax: 255, averagingConstant: 1, isDynamic: true }),
  fixed: () =>
    new FixedQParamsFakeQuantize({
      observer: FixedQParamsObserver.withArgs({ scale: 1 / 64, zeroPoint: 3, quantMin: 0, quantMax: 255 }),
    }),
};

const shape = [2, 3, 4];
const floats = (values: readonly number[], extents: readonly number[] = [values.length]) =>
  Tensor.from('float32', values, extents);
const positiveZero = (value: unknown) => Number(value) + 0;

/** A call of the fake quantizer as a graph of training has it: the rounded tensor and its gradient. */
function graphOf(fake: FakeQuantize | FixedQParamsFakeQuantize): GraphModule {
  const b = new GraphBuilder();
  const [x, grad] = ['x', 'grad'].map((name) => b.input(name, shape));
  b.module.modules.set('fake', fake);
  const y = b.graph.callModule('fake', [x]);
  y.meta = { val: { dtype: 'float32', shape } };
  b.graph.output([y]);
  writeStateAsValues(b.module);
  const [rounded] = b.graph.outputNode.args[0] as [typeof y];
  const loss = b.graph.insertingBefore(b.graph.outputNode, () =>
    b.call('aten.sum.default', b.call('aten.mul.Tensor', rounded, grad)),
  );
  const zeros = Tensor.zeros('float32', shape);
  for (const [node, val] of propagateShapes(b.module, [zeros, zeros], operators))
    node.meta = { ...node.meta, val };
  const [gradient] = differentiate(b.module, loss, [x]);
  b.graph.outputNode.setArguments([[rounded, gradient!]]);
  b.graph.eliminateDeadCode();
  return b.module;
}

describe.each(Object.keys(makers))("PyTorch's FakeQuantize: %s", (name) => {
  it('rounds one tensor after the other, by parameters that follow them until it is switched off', () => {
    const fake = makers[name]();
    golden.calls[name].forEach((step, i) => {
      if (i === 3) fake.observerEnabled = false;
      const inputs = [step.x, step.grad].map((values) => floats(values, shape));
      fake.stateFor(shape);
      const module = graphOf(fake);
      const inGraphs = [new Interpreter(module, operators).run(inputs), execute(build(module), inputs)];
      const alone = fake.forward(inputs[0]);
      for (const y of [alone, ...inGraphs.map(([each]) => each)])
        expect(y.toArray().map(positiveZero)).toEqual(step.y.map(positiveZero));
      for (const [, gradient] of inGraphs)
        expect(gradient.toArray().map(positiveZero)).toEqual(step.gradient.map(positiveZero));
      expect(fake.state.get('scale')!.toArray()).toEqual(step.scale);
      expect(fake.state.get('zero_point')!.toArray().map(Number)).toEqual(step.zero_point);
      const { scale, zeroPoint } = fake.calculateQparams();
      expect([scale.toArray(), zeroPoint.toArray().map(Number)]).toEqual([step.scale, step.zero_point]);
    });
  });
});

describe('refused', () => {
  it.each<[string, () => unknown, string]>([
    [
      'a histogram',
      () => new FakeQuantize({ observer: HistogramObserver }),
      'which HistogramObserver does not',
    ],
    [
      'a range of its own for fixed parameters',
      () => new FixedQParamsFakeQuantize({ observer: MinMaxObserver }),
      'must be a FixedQParamsObserver, got MinMaxObserver',
    ],
    [
      'fixed parameters that are not given',
      () => new FixedQParamsFakeQuantize({}),
      'scale must be positive and zeroPoint a whole number, got undefined',
    ],
    [
      'an average of what is chosen at run time',
      () => new FakeQuantize({ isDynamic: true, averagingConstant: 0.01 }),
      'averagingConstant 1',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('NaN, and other numbers of channels', () => {
    const fake = makers['per channel']();
    fake.forward(floats([1, 2, 3, 4], [2, 2]));
    expect(() => fake.forward(floats([1, Number.NaN, 3, 4], [2, 2]))).toThrow('NaN');
    expect(() => fake.forward(floats([1, 2, 3], [3, 1]))).toThrow('saw 2 channels before, now 3');
    expect(() => makers['moving average']().calculateQparams()).toThrow('FakeQuantize has seen no tensor');
  });
});

describe('dynamic quantization, trained', () => {
  class Network extends nn.Module {
    readonly first = new nn.Linear(6, 16);
    readonly second = new nn.Linear(16, 16);
    readonly third = new nn.Linear(16, 4);

    override forward(input: nn.Value): nn.Value {
      const x = F.relu(this.first.call(input));
      return this.third.call(F.add(x, F.tanh(this.second.call(x))));
    }
  }

  const { weights, labels, losses, results } = golden.dynamic;
  const inputs = golden.dynamic.inputs.map((values) => floats(values, [5, 6]));
  const found: number[] = [];
  let prepared: GraphModule;

  beforeAll(async () => {
    const network = new Network();
    const state = [...network.stateDict()].map(
      ([path, tensor]) => [path, floats(weights[path], tensor.shape)] as const,
    );
    network.loadStateDict(new Map(state));
    const captured = exportModel(network.train(), { x: { dtype: 'float32', shape: [5, 6] } });
    const config = getDefaultX86QuantizationConfig({ isQat: true, isDynamic: true, recipe: 'pytorch-2.6' });
    prepared = prepareQatPt2e(captured, new X86Quantizer().setGlobal(config));
    using trainer = new Trainer(prepared, {
      loss: ([logits], { wanted }) => F.crossEntropy(logits, wanted),
      targets: { wanted: { dtype: 'int64', shape: [5] } },
      optimizer: new SGD({ lr: 0.1, momentum: 0.9 }),
    });
    for (const [i, wanted] of labels.entries())
      found.push((await trainer.step({ x: inputs[i] }, { wanted: Tensor.from('int64', wanted) })).loss);
    moveExportedModelToEval(prepared);
  });

  it("has PyTorch's losses", () => {
    // float32 sums in another order, 1e-7 of the loss; a value that is rounded to the other integer then, 1e-5.
    found.forEach((loss, i) => {
      expect(Math.abs(loss / losses[i] - 1)).toBeLessThan(1e-4);
    });
  });

  it('converts to the graph that convert_pt2e makes, node for node, and runs', async () => {
    const converted = convertPt2e(prepared);
    const printed = printGraph(converted.graph, operators);
    expect(unnamed(printed)).toEqual(unnamed(fixture('dynamic_qat_converted.txt')));
    const [y] = new Interpreter(converted, operators).run([inputs[3]]);
    // A value that is rounded to the other integer is 1/255 of its tensor off.
    expect(relativeError(y.toArray() as number[], results)).toBeLessThan(0.01);
    using model = compile(lower(converted, { strict: true }).module);
    const { linear_2: lowered } = (await model.run([inputs[3]])) as { linear_2: Tensor };
    expect(relativeError(lowered.toArray() as number[], results)).toBeLessThan(0.01);
  });
});
