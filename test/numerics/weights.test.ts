import { beforeAll, describe, expect, it } from 'vitest';
import { exportModel, type GraphModule } from '../../lib/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { type Comparison, extractWeights } from '../../lib/numerics/index.ts';
import {
  calibrate,
  convertPt2e,
  getDefaultX86QuantizationConfig,
  preparePt2e,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { uniform } from '../support/graph-builder.ts';
import {
  type GoldenMeasures,
  type GoldenNumerics,
  goldenNumerics,
  stagesWithHandles,
} from '../support/numerics.ts';

/** Weights and their scales are PyTorch's to the bit; what is left is float32 in PyTorch's sums. */
function expectSame(result: Comparison, golden: GoldenMeasures, where: string): void {
  expect(Math.abs(result.sqnr - golden.sqnr), where).toBeLessThan(1e-3);
  expect(Math.abs(result.mseLoss - golden.mse), where).toBeLessThan(1e-4 * golden.mse);
  expect(Math.abs(result.normalizedL2Error - golden.l2), where).toBeLessThan(1e-4 * golden.l2);
  expect(Math.abs(result.cosineSimilarity - golden.cosine), where).toBeLessThan(1e-8);
  // A difference of two float32 of size 1.
  expect(Math.abs(result.maxError - golden.max), where).toBeLessThan(1e-6);
}

/** Three linear layers of one input. */
class Heads extends nn.Module {
  readonly q = new nn.Linear(8, 4);
  readonly k = new nn.Linear(8, 5);
  readonly v = new nn.Linear(8, 6);

  override forward(x: nn.Value): readonly nn.Value[] {
    return [this.q.forward(x), this.k.forward(x), this.v.forward(x)];
  }
}

async function quantizedHeads() {
  const x = uniform([4, 8], -1, 1, 1);
  const captured = exportModel(new Heads(), { x });
  const prepared = preparePt2e(captured, new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig()));
  await calibrate(prepared, [x]);
  return { captured, converted: convertPt2e(prepared) };
}

describe.each(['tiny_cnn', 'glyph_resnet'])('weights of %s', (name) => {
  let stages: Awaited<ReturnType<typeof stagesWithHandles>>;
  let golden: GoldenNumerics;
  beforeAll(async () => {
    stages = await stagesWithHandles(name);
    golden = goldenNumerics(name);
  });

  it.each(['captured', 'prepared'] as const)('%s and quantized differ by what PyTorch finds', (stage) => {
    const lowered = lower(stages.converted).module;
    for (const actual of [stages.converted, lowered]) {
      const compared = extractWeights(stages[stage], actual);
      expect([...compared.keys()]).toEqual(golden.weights.map(({ node }) => node));
      for (const { node, layer, channels } of golden.weights) {
        const weights = compared.get(node)!;
        expectSame(weights, layer, node);
        expect(weights.channels).toHaveLength(channels.length);
        for (const [c, channel] of channels.entries())
          expectSame(weights.channels[c], channel, `${node}, channel ${c}`);
      }
    }
  });

  it('converted and lowered are the same', () => {
    for (const { sqnr } of extractWeights(stages.converted, lower(stages.converted).module).values())
      expect(sqnr).toBe(Infinity);
  });

  it('those of a lowered float model are the captured ones, batch norms folded', () => {
    const compared = extractWeights(stages.captured, lower(stages.captured).module);
    expect(compared.size).toBe(golden.weights.length);
    for (const { sqnr } of compared.values()) expect(sqnr).toBe(Infinity);
  });
});

describe('extractWeights', () => {
  const capture = (inputs: number) =>
    exportModel(new nn.Sequential(new nn.Linear(inputs, 5)), { x: uniform([2, inputs], -1, 1, 1) });

  it('finds what an error of one channel costs', () => {
    const [reference, actual] = [capture(4), capture(4)];
    const weight = reference.attribute('0.weight');
    const changed = weight.clone();
    changed.data[6] = Number(changed.data[6]) + 0.5;
    actual.attributes.set('0.weight', changed);
    const { channels, maxError, mseLoss, modulePath } = extractWeights(reference, actual).get('linear')!;
    expect(channels.map(({ sqnr }) => sqnr === Infinity)).toEqual([true, false, true, true, true]);
    expect(maxError).toBeCloseTo(0.5, 6);
    expect(mseLoss).toBeCloseTo(0.25 / 20, 6);
    expect(modulePath).toBe('0');
  });

  it('leaves the models as they are, and refuses others', async () => {
    const { captured } = await stagesWithHandles('tiny_cnn');
    const names = captured.graph.nodes.map(String);
    extractWeights(captured, captured);
    expect(captured.graph.nodes.map(String)).toEqual(names);
    expect(() => extractWeights(capture(4), capture(3))).toThrow(
      "extractWeights: layer 'linear': cannot compare tensors with different shapes: [5, 3] and [5, 4]",
    );
    expect(() => extractWeights(captured, exportModel(new nn.ReLU(), { x: uniform([2], -1, 1, 1) }))).toThrow(
      'the models have no layer in common, of 4 and 0',
    );
  });

  it('reads weights of dynamically quantized layers', () => {
    const captured = capture(64);
    const converted = convertPt2e(
      preparePt2e(
        captured,
        new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isDynamic: true })),
      ),
    );
    for (const stage of [converted, lower(converted).module]) {
      const { sqnr } = extractWeights(captured, stage).get('linear')!;
      // 8 bits of a uniform weight: 20 log10(2^7) + 6 dB, less what a channel's range is larger.
      expect(sqnr).toBeGreaterThan(40);
      expect(sqnr).toBeLessThan(55);
    }
  });

  it('finds the rows of layers that were merged', async () => {
    const { converted, captured } = await quantizedHeads();
    const apart = lower(converted).module;
    const merged = lower(converted, { mergeLinears: true }).module;
    const layersOf = ({ graph }: GraphModule) =>
      graph.nodes.filter(({ target }) => target.startsWith('onednn.q'));
    expect([layersOf(apart).length, layersOf(merged).length]).toEqual([3, 1]);
    const [expected, found] = [apart, merged].map((stage) => extractWeights(captured, stage));
    expect([...found.keys()]).toEqual(['linear', 'linear_1', 'linear_2']);
    for (const [name, { actual, sqnr }] of found) {
      expect(actual.toArray()).toEqual(expected.get(name)!.actual.toArray());
      expect(sqnr).toBe(expected.get(name)!.sqnr);
    }
  });

  it.each(['torchao', 'pytorch-2.6'] as const)('folds what the recipe %s folds', async (recipe) => {
    const x = uniform([16, 8], -1, 1, 3);
    const network = new nn.Sequential(new nn.Linear(8, 6), new nn.BatchNorm1d(6)).eval();
    const captured = exportModel(network, { x });
    // Channels of other sizes: with the wrong weights, nothing is alike.
    captured.attributes.set('1.weight', Tensor.from('float32', [0.2, 1, 3, 5, 0.1, 8]));
    const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ recipe }));
    const prepared = preparePt2e(captured, quantizer);
    await calibrate(prepared, [x]);
    const converted = convertPt2e(prepared);
    const hasNorm = converted.graph.nodes.some(({ target }) => target.includes('batch_norm'));
    expect(hasNorm).toBe(recipe === 'pytorch-2.6');
    for (const stage of [converted, lower(converted).module])
      expect(extractWeights(captured, stage).get('linear')!.sqnr).toBeGreaterThan(40);
  });
});
