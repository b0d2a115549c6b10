import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { type GraphModule, Interpreter, isStateful, printGraph } from '../../lib/graph/index.ts';
import {
  compile,
  convertPt2e,
  exportModel,
  getDefaultX86QuantizationConfig,
  loadNpz,
  loadPt2,
  lower,
  moveExportedModelToEval,
  prepareQatPt2e,
  Tensor,
  X86Quantizer,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { TinyCNN } from '../models/tiny-cnn.ts';
import { relativeError } from '../support/spatial.ts';
import { unnamed } from '../support/unnamed-graph.ts';

const F = nn.functional;

/** Three steps of PyTorch 2.6, written by script/goldens/qat.py. */
interface Golden {
  readonly steps: readonly { readonly loss: number; readonly labels: readonly number[] }[];
  readonly state: Readonly<Record<string, readonly number[]>>;
  readonly scales: Readonly<
    Record<string, { readonly scale: readonly number[]; readonly zero_point: readonly number[] }>
  >;
  readonly results: readonly number[];
}

const fixture = (name: string) => new URL(`../fixtures/training/${name}`, import.meta.url);
const goldenOf = (name: string): Golden => JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8'));

/** Convolutions with biases, in groups, before other functions and before none. */
class Biased extends nn.Module {
  readonly conv1 = new nn.Conv2d(3, 8, 3, { stride: 2, padding: 1 });
  readonly bn1 = new nn.BatchNorm2d(8);
  readonly conv2 = new nn.Conv2d(8, 8, 3, { padding: 1, groups: 8 });
  readonly bn2 = new nn.BatchNorm2d(8);
  readonly conv3 = new nn.Conv2d(8, 8, 1);
  readonly bn3 = new nn.BatchNorm2d(8);
  readonly fc = new nn.Linear(8, 10);

  override forward(input: nn.Value): nn.Value {
    const x = F.hardswish(this.bn1.call(this.conv1.call(input)));
    const y = this.bn3.call(this.conv3.call(F.relu6(this.bn2.call(this.conv2.call(x)))));
    return this.fc.call(F.flatten(F.adaptiveAvgPool2d(F.add(x, y), 1), 1));
  }
}

const networks = {
  qat: async () => {
    const weights = await loadPt2(new URL('../../models/tiny_cnn.pt2', import.meta.url).pathname);
    return { network: new TinyCNN(), weights: weights.attributes };
  },
  qat_biased: async () => {
    const weights = await loadNpz(fixture('qat_biased_weights.npz').pathname);
    return { network: new Biased(), weights };
  },
};

describe.each(Object.keys(networks) as (keyof typeof networks)[])('three steps of training: %s', (name) => {
  const golden = goldenOf(name);
  let prepared: GraphModule;
  let inputs: readonly Tensor[];
  const losses: number[] = [];

  beforeAll(async () => {
    inputs = [...(await loadNpz(fixture('qat_inputs.npz').pathname)).values()];
    const { network, weights } = await networks[name]();
    const state = [...network.stateDict()].map(
      ([path, tensor]) => [path, weights.get(path) ?? tensor] as const,
    );
    network.loadStateDict(new Map(state));
    const { shape } = inputs[0];
    const captured = exportModel(network.train(), { x: { dtype: 'float32', shape } });
    const config = getDefaultX86QuantizationConfig({ isQat: true, recipe: 'pytorch-2.6' });
    prepared = prepareQatPt2e(captured, new X86Quantizer().setGlobal(config));
    using trainer = new Trainer(prepared, {
      loss: ([logits], { labels }) => F.crossEntropy(logits, labels, { labelSmoothing: 0.1 }),
      targets: { labels: { dtype: 'int64', shape: [4] } },
      optimizer: new SGD({ lr: 0.05, momentum: 0.9, weightDecay: 1e-3 }),
    });
    for (const [i, { labels }] of golden.steps.entries()) {
      const target = Tensor.from('int64', labels);
      losses.push((await trainer.step({ x: inputs[i] }, { labels: target })).loss);
    }
    moveExportedModelToEval(prepared);
  });

  /** Where a sum in another order rounds to the next integer, the classifier's input is a step larger, and its result a weight's. */
  function expectWithinTwoSteps(results: Tensor): void {
    const weight = Math.max(...golden.state['fc.weight'].map(Math.abs));
    const perTensor = Object.values(golden.scales).filter(({ scale }) => scale.length === 1);
    const [step] = perTensor.at(-1)!.scale;
    results.toArray().forEach((value, i) => {
      expect(Math.abs(Number(value) - golden.results[i])).toBeLessThan(2 * step * weight);
    });
  }

  it("has PyTorch's losses", () => {
    // float32 sums in another order, 1e-7 of the loss; a value that is rounded to the other integer then, 1e-5.
    losses.forEach((loss, i) => {
      expect(Math.abs(loss / golden.steps[i].loss - 1)).toBeLessThan(1e-4);
    });
  });

  it("leaves PyTorch's parameters and running statistics", () => {
    for (const [path, expected] of Object.entries(golden.state)) {
      const actual = prepared.attribute(path).toArray() as number[];
      expect(relativeError(actual, expected), path).toBeLessThan(1e-4);
    }
  });

  it("leaves PyTorch's scales", () => {
    for (const [path, expected] of Object.entries(golden.scales)) {
      const module = prepared.module(path);
      if (!isStateful(module)) throw new Error(`${path} keeps no state`);
      const scale = module.state.get('scale')!;
      expect(relativeError(scale.toArray() as number[], expected.scale), path).toBeLessThan(1e-4);
    }
  });

  it('converts to the graph that convert_pt2e makes, node for node', () => {
    const converted = convertPt2e(prepared);
    const expected = readFileSync(fixture(`${name}_converted.txt`), 'utf8');
    expect(unnamed(printGraph(converted.graph, operators))).toEqual(unnamed(expected));
    const [results] = new Interpreter(converted, operators).run([inputs[3]]);
    expectWithinTwoSteps(results);
  });

  it('runs in int8 as it was trained', async () => {
    const { module } = lower(convertPt2e(prepared), { strict: true });
    using model = compile(module);
    const { linear } = (await model.run([inputs[3]])) as { linear: Tensor };
    expectWithinTwoSteps(linear);
  });
});
