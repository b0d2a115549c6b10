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
const golden: Golden = JSON.parse(readFileSync(fixture('qat.json'), 'utf8'));

/** Nodes by number instead of name, floats to four digits: what a graph computes, whatever it is called. */
function unnamed(graph: string): string[] {
  const numbers = new Map<string, number>();
  const numberOf = (name: string) => {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return `%${numbers.get(name)}`;
  };
  return graph
    .replaceAll(/\[target=(?!torch\.ops)[\w.]+\]/g, '')
    .replaceAll(/%[\w]+/g, numberOf)
    .replaceAll(/\d+\.\d+(e-\d+)?/g, (float) => Number(float).toPrecision(4))
    .split('\n')
    .filter((line) => line.includes('%'));
}

describe('three steps of quantization aware training', () => {
  let prepared: GraphModule;
  let inputs: readonly Tensor[];
  const losses: number[] = [];

  beforeAll(async () => {
    inputs = [...(await loadNpz(fixture('qat_inputs.npz').pathname)).values()];
    const network = new TinyCNN();
    const weights = await loadPt2(new URL('../../models/tiny_cnn.pt2', import.meta.url).pathname);
    const state = [...network.stateDict()].map(
      ([name, tensor]) => [name, weights.attributes.get(name) ?? tensor] as const,
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
    const [step] = golden.scales.activation_post_process_7.scale;
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
    for (const [name, expected] of Object.entries(golden.state)) {
      const actual = prepared.attribute(name).toArray() as number[];
      expect(relativeError(actual, expected), name).toBeLessThan(1e-4);
    }
  });

  it("leaves PyTorch's scales", () => {
    for (const [name, expected] of Object.entries(golden.scales)) {
      const module = prepared.module(name);
      if (!isStateful(module)) throw new Error(`${name} keeps no state`);
      const scale = module.stateFor([expected.scale.length]).get('scale')!;
      expect(relativeError(scale.toArray() as number[], expected.scale), name).toBeLessThan(1e-4);
    }
  });

  it('converts to the graph that convert_pt2e makes, node for node', () => {
    const converted = convertPt2e(prepared);
    const expected = readFileSync(fixture('qat_converted.txt'), 'utf8');
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
