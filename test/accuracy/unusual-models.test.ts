import { describe, expect, it } from 'vitest';
import { FloatNetwork, noChoices } from '../../lib/accuracy/float-network.ts';
import { rankGroups } from '../../lib/accuracy/ranking.ts';
import type { Search } from '../../lib/accuracy/search.ts';
import { type GraphModule, type Node, SymInt } from '../../lib/graph/index.ts';
import {
  type AccuracyControlOptions,
  accuracyControlOf,
  type Evaluate,
  FixedQParamsObserver,
  getDefaultX86QuantizationConfig,
  QuantizationSpec,
  quantizeWithAccuracyControl,
} from '../../lib/index.ts';
import { convertStatic } from '../../lib/recipes/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { withShapes } from '../support/with-shapes.ts';

const samples = new SymInt(['s0']);

function linear(b: GraphBuilder, x: Node, outputs: number, inputs: number): Node {
  return b.call('aten.linear.default', x, b.parameter('w', [outputs, inputs]), null);
}

/** Good is the float model alone, so that everything is tried. */
function onlyFloatIsGood(): Evaluate {
  let calls = 0;
  return () => (calls++ === 0 ? 1 : 0);
}

/** The record, after what was saved with the model was read again. */
async function recordOf(
  module: GraphModule,
  inputs: readonly (readonly number[])[],
  evaluate: Evaluate = onlyFloatIsGood(),
  options: Partial<AccuracyControlOptions> = {},
) {
  const batch = inputs.map((shape, i) => uniform(shape, -1, 1, 3 + i));
  const { model, record } = await quantizeWithAccuracyControl(module, [batch], evaluate, {
    maxDrop: 0.1,
    threadsPerStream: 1,
    ...options,
  });
  model.dispose();
  expect(accuracyControlOf(model.metadata)).toEqual(record);
  return record;
}

/** Names modules after the order of their layers: l0, l1. */
function named(module: GraphModule): GraphModule {
  const layers = module.graph.nodes.filter(({ target }) => target === 'aten.linear.default');
  for (const [i, { meta }] of layers.entries())
    meta.nnModuleStack = [{ path: `l${i}`, type: 'torch.nn.modules.linear.Linear' }];
  return module;
}

const fixedInput = (scale: number, zeroPoint: number) => ({
  ...getDefaultX86QuantizationConfig(),
  inputActivation: new QuantizationSpec({
    dtype: 'uint8',
    qscheme: 'per_tensor_affine',
    observerOrFakeQuantCtr: FixedQParamsObserver.withArgs({ scale, zeroPoint }),
  }),
});

describe('accuracy control of unusual models', () => {
  it.each<[string, (b: GraphBuilder, scores: Node) => Node]>([
    [
      'masked_fill',
      (b, x) => b.call('aten.masked_fill.Scalar', x, b.call('aten.lt.Scalar', x, 0), -Infinity),
    ],
    ['log of zeros', (b, x) => b.call('aten.log.default', b.call('aten.relu.default', x))],
  ])('goes on where there are infinities inside: %s', async (_, mask) => {
    const b = new GraphBuilder();
    const scores = linear(b, b.input('x', [samples, 8, 16]), 8, 16);
    const weights = b.call('aten.softmax.int', mask(b, scores), -1);
    const record = await recordOf(withShapes(b.finish(linear(b, weights, 4, 8))), [[8, 8, 16]]);
    expect(record.ranking.length).toBe(2);
  });

  it('quantizes as the recipe does, where one of two readers has an override', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', [samples, 16]);
    const module = named(withShapes(b.finish(linear(b, x, 16, 16), linear(b, x, 16, 16))));
    const overrides = { moduleNames: { l1: fixedInput(0.1, 3) } };
    const batches = [uniform([8, 16], -1, 1, 3)];
    const parametersOf = ({ graph }: GraphModule) =>
      graph.nodes
        .filter(({ target }) => target === 'quantized_decomposed.quantize_per_tensor.default')
        .map(({ args }) => args.slice(1, 3));
    const expected = parametersOf(await convertStatic(module, batches, { overrides }));
    expect(expected).toContainEqual([Math.fround(0.1), 3]);
    expect(expected).toHaveLength(2);
    const network = new FloatNetwork(module, { overrides }, batches, undefined);
    expect(parametersOf(await network.convert(noChoices))).toEqual(expected);
  });

  it('writes a record that can be read where a layer loses all of its value', async () => {
    const b = new GraphBuilder();
    const hidden = b.call('aten.tanh.default', linear(b, b.input('x', [samples, 16]), 16, 16));
    const module = named(withShapes(b.finish(linear(b, hidden, 4, 16))));
    // tanh is between -1 and 1: all rounds to 0.
    const overrides = { moduleNames: { l1: fixedInput(6, 0) } };
    // Each attempt is worse than the one before, so that no technique is kept.
    let metric = 1;
    const record = await recordOf(module, [[8, 16]], () => metric--, { overrides });
    expect(record.ranking[0]).toMatchObject({ layers: ['linear_default_1'], ownError: 1 });
  });

  it('has no bias to correct in a product of activations', async () => {
    const b = new GraphBuilder();
    const [x, y] = ['x', 'y'].map((name) => b.input(name, [samples, 16]));
    const product = withShapes(b.finish(b.call('aten.mul.Tensor', x, y)));
    const { attempts, ranking } = await recordOf(product, [
      [8, 16],
      [8, 16],
    ]);
    expect(attempts.map(({ technique }) => technique)).not.toContain('bias-correction');
    expect(ranking.map(({ layers }) => layers)).toEqual([['mul_tensor']]);
  });

  it('smooths only behind norms, which costs nothing when the model runs', async () => {
    const b = new GraphBuilder();
    const gains = b.constant('gain', uniform([16], 0.01, 50, 9));
    const norm = b.call('aten.layer_norm.default', b.input('x', [samples, 16]), [16], gains, null, 1e-5);
    const hidden = b.call('aten.gelu.default', linear(b, norm, 16, 16));
    const { attempts } = await recordOf(withShapes(b.finish(linear(b, hidden, 4, 16))), [[64, 16]]);
    const smoothed = attempts.find(({ technique }) => technique === 'smooth-quant');
    expect(smoothed?.layers).toEqual(['linear_default']);
  });

  it('lets the metric decide where outputs are classes, which do not say by how much', async () => {
    const b = new GraphBuilder();
    const logits = linear(b, b.input('x', [samples, 16]), 4, 16);
    const module = withShapes(b.finish(b.call('aten.argmax.default', logits, 1)));
    const metrics = [1, 0.5, 0.5, 0.95];
    const { attempts, isReached } = await recordOf(module, [[8, 16]], () => metrics.shift()!);
    expect(attempts[0].outputError).toBe(0);
    expect(attempts.map(({ metric, isKept }) => [metric, isKept])).toEqual([
      [0.5, true],
      [0.5, false],
      [0.95, true],
    ]);
    expect(isReached).toBe(true);
  });

  it('is as far from the float model as there are classes that differ, whatever their numbers', async () => {
    const b = new GraphBuilder();
    const logits = linear(b, b.input('x', [samples, 16]), 400, 16);
    const module = named(withShapes(b.finish(b.call('aten.argmax.default', logits, 1))));
    // Everything rounds to the zero point: the first class wins.
    const overrides = { moduleNames: { l0: fixedInput(10, 7) } };
    const { attempts } = await recordOf(module, [[8, 16]], onlyFloatIsGood(), { overrides });
    expect(attempts[0].outputError).toBe(1);
  });

  it('makes no further model to confirm a ranking when the time is spent', async () => {
    const b = new GraphBuilder();
    let y = b.input('x', [samples, 16]);
    for (let i = 0; i < 6; i++) y = linear(b, y, 16, 16);
    const batches = [uniform([8, 16], -1, 1, 3)];
    const network = new FloatNetwork(withShapes(b.finish(y)), {}, batches, undefined);
    let made = 0;
    const search = {
      current: { network, choices: noChoices },
      batches,
      get isSpent() {
        return made === 2;
      },
      outputErrorOf: async () => made++,
    };
    const ranking = await rankGroups(search as unknown as Search);
    expect(ranking.map(({ outputErrorWithout }) => outputErrorWithout)).toEqual([
      0,
      1,
      null,
      null,
      null,
      null,
    ]);
  });
});
