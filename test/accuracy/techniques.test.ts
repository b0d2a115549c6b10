import { describe, expect, it } from 'vitest';
import { FloatNetwork, noChoices } from '../../lib/accuracy/float-network.ts';
import type { GraphModule, Node } from '../../lib/graph/index.ts';
import { getDefaultX86QuantizationConfig, quantizeWithAccuracyControl } from '../../lib/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { calibrate, convertPt2e, MSEObserver } from '../../lib/quantization/index.ts';
import { prepareStatic } from '../../lib/recipes/index.ts';
import { type CompiledModel, compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';
import { withShapes } from '../support/with-shapes.ts';

/** Weights whose rows or columns differ by as much as 4 ** 4. */
function spread(shape: readonly number[], seed: number, exponent: (at: number) => number): Tensor {
  const { data } = uniform(shape, -1, 1, seed);
  return new Tensor(
    'float32',
    (data as Float32Array).map((value, i) => value * 4 ** exponent(i)),
    shape,
  );
}

/** Two linear layers; the channels between them differ in size, and what reads them makes up for it. */
function unbalanced(): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [64, 8]);
  const rows = b.constant(
    'w1',
    spread([8, 8], 3, (i) => Math.floor(i / 8) % 5),
  );
  const hidden = b.call('aten.relu.default', b.call('aten.linear.default', x, rows, null));
  const columns = b.constant(
    'w2',
    spread([4, 8], 4, (i) => -((i % 8) % 5)),
  );
  return withShapes(b.finish(b.call('aten.linear.default', hidden, columns, null)));
}

/** A layer norm with two channels a thousand times as large, and a linear layer that reads them with small weights. */
function outliers(): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', [64, 16]);
  const isLarge = (i: number) => i % 16 === 3 || i % 16 === 9;
  const gains = b.constant(
    'gain',
    spread([16], 5, (i) => (isLarge(i) ? 5 : 0)),
  );
  const y = b.call('aten.layer_norm.default', x, [16], gains, null, 1e-5);
  const columns = b.constant(
    'w',
    spread([4, 16], 6, (i) => (isLarge(i) ? -5 : 0)),
  );
  return withShapes(b.finish(b.call('aten.linear.default', y, columns, null)));
}

const probe = (shape: readonly number[]) => uniform(shape, -1, 1, 17);

function distance(module: GraphModule, x: Tensor): (model: CompiledModel) => number {
  using float = compile(lower(module).module);
  const expected = Object.values(float.runSync(x))[0].data as Float32Array;
  return (model) => {
    const actual = Object.values(model.runSync(x))[0].data as Float32Array;
    return expected.reduce((sum, value, i) => sum - (value - actual[i]) ** 2, 0) / expected.length;
  };
}

describe('techniques of accuracy control', () => {
  it.each([
    ['equalization', unbalanced, [64, 8], ['linear_default', 'linear_default_1']],
    ['smooth-quant', outliers, [64, 16], ['linear_default']],
  ] as const)('keeps %s where channels differ', async (technique, build, shape, layers) => {
    const module = build();
    const measure = distance(module, probe(shape));
    const options = { maxDrop: 0, maxEvaluations: 3 };
    const { model, record } = await quantizeWithAccuracyControl(
      module,
      [uniform(shape, -1, 1, 8)],
      measure,
      options,
    );
    using _ = model;
    const [recipe, tried] = record.attempts;
    expect(tried).toMatchObject({ technique, layers: [...layers], isKept: true });
    // A range shared by channels of up to 4 ** 4 leaves the small ones a few of its 256 steps.
    expect(tried.outputError).toBeLessThan(0.5 * recipe.outputError);
    expect(tried.metric).toBeGreaterThan(recipe.metric!);
    expect(measure(model)).toBe(tried.metric);
  });

  it('keeps nothing that does not help', async () => {
    const module = withShapes(convNet());
    const x = uniform([8, 3, 8, 8], -1, 1, 5);
    // What the model is like does not matter: the metric falls with every call.
    let metric = 0;
    const { model, record } = await quantizeWithAccuracyControl(module, [x], () => metric--, {
      maxDrop: 0,
      maxEvaluations: 4,
    });
    model.dispose();
    expect(record.isReached).toBe(false);
    const techniques = record.attempts.filter(({ technique }) => !['quantize', 'float'].includes(technique));
    expect(techniques.length).toBeGreaterThan(0);
    for (const { isKept } of techniques) expect(isKept).toBe(false);
    expect(record.metric).toBe(-1);
  });
});

describe('FloatNetwork', () => {
  const x = [uniform([8, 3, 8, 8], -1, 1, 5), uniform([8, 3, 8, 8], -1, 1, 6)];
  const network = () => new FloatNetwork(withShapes(convNet()), {}, x, undefined);

  /** By the node that it quantizes, the scale of each activation. */
  const scales = ({ graph }: GraphModule) =>
    Object.fromEntries(
      graph.nodes
        .filter(({ target }) => target === 'quantized_decomposed.quantize_per_tensor.default')
        .map(({ args }) => [(args[0] as Node).name, args[1]]),
    );

  it('converts as the recipe does where nothing is chosen, however often', async () => {
    const prepared = prepareStatic(withShapes(convNet()));
    await calibrate(prepared, x);
    const expected = scales(convertPt2e(prepared));
    const made = network();
    expect(scales(await made.convert(noChoices))).toEqual(expected);
    await made.convert({ ...noChoices, ranges: new Map([['conv2d_default', 'mse']]) });
    expect(scales(await made.convert(noChoices))).toEqual(expected);
  });

  it('gives what a layer reads the range of another observer, and leaves the others', async () => {
    const made = network();
    const before = scales(await made.convert(noChoices));
    const after = scales(await made.convert({ ...noChoices, ranges: new Map([['conv2d_default', 'mse']]) }));
    const observer = new MSEObserver({ dtype: 'uint8', quantMin: 0, quantMax: 255, eps: 2 ** -12 });
    for (const batch of x) observer.forward(batch);
    expect(after).toEqual({ ...before, x: observer.calculateQparams().scale.item() });
  });

  it('leaves layers in float, with their own weights', async () => {
    const made = network();
    const converted = await made.convert({ ...noChoices, inFloat: new Set(['conv2d_default_1']) });
    const layer = converted.graph.nodes.find(({ name }) => name === 'conv2d_default_1')!;
    expect((layer.args[1] as Node).target).toBe('w2');
    const other = converted.graph.nodes.find(({ name }) => name === 'conv2d_default')!;
    expect((other.args[1] as Node).target).toMatch('dequantize_per_channel');
  });

  it('groups layers that read one tensor', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [4, 8]);
    const linear = (input: Node, name: string) =>
      b.call('aten.linear.default', input, b.parameter(name, [8, 8]), null);
    const [query, key] = [linear(x, 'q'), linear(x, 'k')];
    const last = linear(b.call('aten.add.Tensor', query, b.call('aten.tanh.default', key)), 'o');
    const { groups } = new FloatNetwork(withShapes(b.finish(last)), {}, [], undefined);
    expect(groups).toEqual([['linear_default', 'linear_default_1'], ['linear_default_2']]);
  });

  it('clips weights to the range with the least squared error', async () => {
    const config = getDefaultX86QuantizationConfig({ weightBits: 3 });
    const overrides = { operators: { 'aten.conv2d.default': config, 'aten.linear.default': config } };
    const made = new FloatNetwork(withShapes(convNet()), { overrides }, x, undefined);
    const error = (converted: GraphModule, name: string, weight: string) => {
      const { args } = converted.graph.nodes.find((each) => each.name === name)!;
      const [q, scale] = (args[1] as Node).args as readonly Node[];
      const [values, steps] = [q, scale].map(({ target }) =>
        converted.attribute(target).toArray().map(Number),
      );
      const float = made.module.attribute(weight).data as Float32Array;
      const size = float.length / steps.length;
      return float.reduce((sum, value, i) => sum + (value - values[i] * steps[Math.floor(i / size)]) ** 2, 0);
    };
    const [plain, clipped] = [
      await made.convert(noChoices),
      await made.convert({ ...noChoices, clippedWeights: new Set(['conv2d_default']) }),
    ];
    expect(error(clipped, 'conv2d_default', 'w1')).toBeLessThan(0.95 * error(plain, 'conv2d_default', 'w1'));
    expect(error(clipped, 'conv2d_default_1', 'w2')).toBe(error(plain, 'conv2d_default_1', 'w2'));
  });
});
