import { expect, it } from 'vitest';
import { networkOf } from '../../bench/bench-network.ts';
import { exportModel } from '../../lib/capture/index.ts';

it.each([
  { name: 'bert_base', layers: 12 },
  { name: 'distilbert', layers: 6 },
])(
  "$name has the shape of the encoder's",
  ({ name, layers }) => {
    const network = networkOf(name);
    if (!('build' in network)) throw new Error(`${name} is not built here`);
    const { inputShape, recipe } = network;
    const x = { dtype: 'float32', shape: [2, ...inputShape] } as const;
    const { graph, attributes } = exportModel(network.build().eval(), { x }, { dynamicBatch: true });
    const parameters = [...attributes.values()].map(({ data }) => data.length);
    // Of each layer: 4 linear ones of 768 to 768, one to 3072 and one back, with biases, and two normalizations.
    const projections = 4 * (768 + 1) * 768 + (768 + 1) * 3072 + (3072 + 1) * 768;
    expect(parameters.reduce((a, b) => a + b)).toBe(layers * (projections + 2 * 2 * 768));
    const count = (target: string) => graph.nodes.filter((node) => node.target === target).length;
    const targets = ['linear', 'scaled_dot_product_attention', 'gelu', 'layer_norm'];
    expect(targets.map((target) => count(`aten.${target}.default`))).toEqual(
      [6, 1, 1, 2].map((n) => n * layers),
    );
    expect({ inputShape, recipe }).toEqual({ inputShape: [128, 768], recipe: 'dynamic' });
    // 85 million weights are drawn, twice.
  },
  180_000,
);

it('a network that there is not is refused with those there are', () => {
  expect(() => networkOf('bert')).toThrow(
    /no network 'bert'; those there are: resnet18, .*, bert_base, distilbert/,
  );
});
