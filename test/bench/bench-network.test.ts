import { expect, it } from 'vitest';
import { networkOf } from '../../bench/bench-network.ts';
import { bertBase } from '../../bench/models/bert.ts';
import { exportModel } from '../../lib/capture/index.ts';

it("bert_base has the shape of BERT-base's encoder", () => {
  const { inputShape, recipe } = networkOf('bert_base');
  const x = { dtype: 'float32', shape: [2, ...inputShape] } as const;
  const { graph, attributes } = exportModel(bertBase().eval(), { x }, { dynamicBatch: true });
  const parameters = [...attributes.values()].map(({ data }) => data.length);
  // Of 12 layers: 4 linear ones of 768 to 768, one to 3072 and one back, with biases, and two normalizations.
  const projections = 4 * (768 + 1) * 768 + (768 + 1) * 3072 + (3072 + 1) * 768;
  expect(parameters.reduce((a, b) => a + b)).toBe(12 * (projections + 2 * 2 * 768));
  const count = (target: string) => graph.nodes.filter((node) => node.target === target).length;
  const targets = ['linear', 'scaled_dot_product_attention', 'gelu', 'layer_norm'];
  expect(targets.map((name) => count(`aten.${name}.default`))).toEqual([72, 12, 12, 24]);
  expect({ inputShape, recipe }).toEqual({ inputShape: [128, 768], recipe: 'dynamic' });
  // 85 million weights are drawn, twice.
}, 180_000);

it('a network that there is not is refused with those there are', () => {
  expect(() => networkOf('bert')).toThrow(/no network 'bert'; those there are: resnet18, .*, bert_base/);
});
