import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GlyphMobileNet } from '../../examples/train-glyphs/glyph-mobilenet.ts';
import { whyNoFastBfloat16 } from '../../lib/cpu/fast-bfloat16.ts';
import { computeFeatures } from '../../lib/cpu/features.ts';
import type { Node } from '../../lib/graph/index.ts';
import { exportModel, loadNpz, loadPt2, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer, type TrainerOptions } from '../../lib/training/index.ts';
import { buildTrainingGraph } from '../../lib/training/training-graph.ts';
import { GlyphResNet } from '../models/glyph-resnet.ts';
import { TinyCNN } from '../models/tiny-cnn.ts';
import { uniform } from '../support/graph-builder.ts';
import { relativeError } from '../support/spatial.ts';
import { labels, Perceptron, targets, x } from '../support/training.ts';

const F = nn.functional;

/** On any CPU. */
const forced = { dtype: 'bfloat16', force: true } as const;

interface Trained {
  readonly losses: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
}

/** What PyTorch 2.6 finds, in float32 and under autocast (script/goldens/autocast.py). */
const fixture = (name: string) => new URL(`../fixtures/training/${name}`, import.meta.url);
const golden: Readonly<Record<'float32' | 'bfloat16', Trained>> = JSON.parse(
  readFileSync(fixture('autocast.json'), 'utf8'),
);
const { steps }: { readonly steps: readonly { readonly labels: readonly number[] }[] } = JSON.parse(
  readFileSync(fixture('qat.json'), 'utf8'),
);

async function trained(autocast?: TrainerOptions['autocast']): Promise<Trained> {
  const inputs = [...(await loadNpz(fixture('qat_inputs.npz').pathname)).values()];
  const weights = await loadPt2(new URL('../../models/tiny_cnn.pt2', import.meta.url).pathname);
  const network = new TinyCNN();
  network.loadStateDict(
    new Map([...network.stateDict()].map(([path, own]) => [path, weights.attributes.get(path) ?? own])),
  );
  const model = exportModel(network.train(), { x: { dtype: 'float32', shape: inputs[0].shape } });
  using trainer = new Trainer(model, {
    loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted, { labelSmoothing: 0.1 }),
    targets: { labels: { dtype: 'int64', shape: [4] } },
    optimizer: new SGD({ lr: 0.05, momentum: 0.9, weightDecay: 1e-3 }),
    ...(autocast ? { autocast } : {}),
  });
  const losses: number[] = [];
  for (const [i, step] of steps.entries())
    losses.push((await trainer.step({ x: inputs[i] }, { labels: Tensor.from('int64', step.labels) })).loss);
  const parameters = Object.fromEntries(
    Object.keys(golden.float32.parameters).map((path) => [path, model.attribute(path).toArray() as number[]]),
  );
  return { losses, parameters };
}

function differences(actual: Trained, expected: Trained) {
  return {
    loss: Math.max(...actual.losses.map((loss, i) => Math.abs(loss / expected.losses[i] - 1))),
    parameter: Math.max(
      ...Object.entries(expected.parameters).map(([path, values]) =>
        relativeError(actual.parameters[path], values),
      ),
    ),
  };
}

describe('three steps beside PyTorch', () => {
  it('in float32', async () => {
    const { loss, parameter } = differences(await trained(), golden.float32);
    // Sums in another order; the parameters are written with seven digits.
    expect(loss).toBeLessThan(1e-5);
    expect(parameter).toBeLessThan(1e-4);
  });

  it('in bfloat16', async () => {
    const actual = await trained(forced);
    const { loss, parameter } = differences(actual, golden.bfloat16);
    // PyTorch rounds activations and weights' gradients, too: by 2^-9. Its own three steps are 6e-4 and 8e-3 from float32.
    expect(loss).toBeLessThan(2e-3);
    expect(parameter).toBeLessThan(2e-2);
    expect(differences(actual, golden.float32).parameter).toBeGreaterThan(1e-3);
  });
});

describe.each(Object.entries({ GlyphResNet, GlyphMobileNet }))('%s in bfloat16', (_, Network) => {
  it('learns as in float32 does', async () => {
    const image = uniform([8, 3, 32, 32], -2, 2, 1);
    const classes = Tensor.from('int64', [3, 1, 4, 1, 5, 9, 2, 6]);
    const lossesOf = async (autocast?: TrainerOptions['autocast']) => {
      nn.manualSeed(7);
      const model = exportModel(new Network().train(), { x: image });
      using trainer = new Trainer(model, {
        loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted),
        targets: { labels: { dtype: 'int64', shape: [8] } },
        optimizer: new SGD({ lr: 0.01, momentum: 0.9 }),
        ...(autocast ? { autocast } : {}),
      });
      const losses: number[] = [];
      for (let i = 0; i < 3; i++) losses.push((await trainer.step({ x: image }, { labels: classes })).loss);
      return losses;
    };
    const [float32, bfloat16] = [await lossesOf(), await lossesOf(forced)];
    // A dozen layers and more, each of which rounds by 2^-9 what it reads; the largest difference is 1 percent.
    bfloat16.forEach((loss, i) => {
      expect(Math.abs(loss / float32[i] - 1)).toBeLessThan(0.02);
    });
    expect(bfloat16).not.toEqual(float32);
    expect(bfloat16[2]).toBeLessThan(bfloat16[0]);
  });
});

describe('the graph of a step in bfloat16', () => {
  const dtypeOf = (node: Node) => (node.meta.val as Tensor).dtype;

  it('computes products in bfloat16, and everything else in float32', () => {
    const model = exportModel(new GlyphMobileNet().train(), { x: uniform([2, 3, 32, 32], -2, 2, 1) });
    const { module, state } = buildTrainingGraph(model, {
      loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted),
      targets: { labels: { dtype: 'int64', shape: [2] } },
      optimizer: new SGD({ lr: 0.01, momentum: 0.9 }),
      autocast: forced,
    });
    const products = /conv2d|convolution_\w+_gradient|aten\.linear|aten\.matmul/;
    const moves = /aten\.(to\.dtype|transpose|reshape)/;
    for (const node of module.graph.nodes.filter(({ op }) => op === 'call_function')) {
      const read = node.allInputNodes.map(dtypeOf);
      if (products.test(node.target)) expect(read.filter((dtype) => dtype === 'bfloat16')).toHaveLength(2);
      else if (!moves.test(node.target)) expect(read, node.name).not.toContain('bfloat16');
    }
    const results = module.graph.outputNode.args[0] as readonly Node[];
    // But for the counts of batches.
    expect(new Set(results.map(dtypeOf))).toEqual(new Set(['float32', 'int64']));
    for (const { path, initial } of state)
      expect(initial.dtype, path).toBe(path.endsWith('num_batches_tracked') ? 'int64' : 'float32');
  });

  it('casts a tensor once for all that read it', () => {
    const model = exportModel(new Perceptron().train(), { x });
    const { module } = buildTrainingGraph(model, {
      loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted),
      targets,
      optimizer: new SGD({ lr: 0.01 }),
      autocast: forced,
    });
    const casts = module.graph.nodes.filter(
      (node) => node.target === 'aten.to.dtype' && dtypeOf(node) === 'bfloat16',
    );
    // Two weights, two inputs and two gradients of layers.
    expect(casts).toHaveLength(6);
  });
});

describe('autocast of a trainer', () => {
  const optionsWith = (autocast: unknown) =>
    ({
      loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted),
      targets,
      optimizer: new SGD({ lr: 0.01 }),
      autocast,
    }) as TrainerOptions;
  const model = () => exportModel(new Perceptron().train(), { x });

  it('refuses other dtypes and unknown options', () => {
    expect(() => new Trainer(model(), optionsWith('float16'))).toThrow(
      "Trainer: autocast must be 'bfloat16', got 'float16'",
    );
    expect(() => new Trainer(model(), optionsWith({ dtype: 'bfloat16', forced: true }))).toThrow(/forced/);
  });

  it('is refused where it is not faster, unless it is forced', async () => {
    const reason = whyNoFastBfloat16(computeFeatures());
    if (reason) expect(() => new Trainer(model(), optionsWith('bfloat16'))).toThrow(reason);
    else new Trainer(model(), optionsWith('bfloat16'))[Symbol.dispose]();
    using trainer = new Trainer(model(), optionsWith(forced));
    const { outputs } = await trainer.step({ x }, { labels });
    expect(outputs.map(({ dtype }) => dtype)).toEqual(['float32']);
  });
});
