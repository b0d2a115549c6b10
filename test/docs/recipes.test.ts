import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exportModel } from '../../lib/capture/index.ts';
import { isCall } from '../../lib/graph/index.ts';
import * as nn from '../../lib/nn/index.ts';
import {
  convertPt2e,
  FusedMovingAvgObsFakeQuantize,
  getDefaultX86QuantizationConfig,
  HistogramObserver,
  preparePt2e,
  type Recipe,
  X86Quantizer,
} from '../../lib/quantization/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const page = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8');
const rows = page
  .slice(page.indexOf('## What differs'), page.indexOf('## What is the same'))
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what'))
  .map((line) => line.split('|')[1].trim());

/** A model of what the function computes. */
class Model extends nn.Module {
  readonly conv = new nn.Conv1d(4, 4, 1);
  readonly linear = new nn.Linear(4, 4);
  readonly norm = new nn.BatchNorm1d(4);
  readonly relu = new nn.ReLU();
  readonly #compute: (model: Model, x: nn.Value) => nn.Value;

  constructor(compute: (model: Model, x: nn.Value) => nn.Value) {
    super();
    this.#compute = compute;
  }

  override forward(x: nn.Value): nn.Value {
    return this.#compute(this, x);
  }
}

const prepare = (
  recipe: Recipe,
  shape: readonly number[],
  compute: (model: Model, x: nn.Value) => nn.Value,
  isDynamic = false,
) =>
  preparePt2e(
    exportModel(new Model(compute).eval(), { x: { dtype: 'float32', shape } }),
    new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ recipe, isDynamic })),
  );

/** The nodes with an annotation. */
const annotated = (...args: Parameters<typeof prepare>) =>
  prepare(...args)
    .graph.nodes.filter(({ meta }) => meta.quantizationAnnotation?.annotated)
    .map(String);

const { mul, flatten } = nn.functional;
const signal = [2, 4, 8];

/** What is to be seen of each row, by recipe. */
const seen: readonly (readonly [(recipe: Recipe) => unknown, torchao: unknown, older: unknown])[] = [
  [(recipe) => annotated(recipe, signal, (_, x) => mul(x, x)), ['mul'], []],
  [(recipe) => annotated(recipe, signal, (m, x) => m.relu.call(m.conv.call(x))), ['conv1d', 'relu'], []],
  [
    (recipe) => annotated(recipe, [2, 4], (m, x) => m.relu.call(m.linear.call(m.linear.call(x)))),
    ['linear', 'linear_1'],
    ['linear', 'linear_1', 'relu'],
  ],
  [
    (recipe) =>
      annotated(recipe, [2, 4], (m, x) => {
        const y = flatten(m.linear.call(x), 0);
        return mul(y, y);
      }),
    ['linear', 'flatten', 'mul'],
    ['linear'],
  ],
  [
    (recipe) =>
      prepare(recipe, [2, 4], (m, x) => m.norm.call(m.linear.call(x))).graph.nodes.some((node) =>
        isCall(node, 'aten.batch_norm.default'),
      ),
    false,
    true,
  ],
  [
    (recipe) => {
      const observer = new HistogramObserver({ bins: 2, recipe });
      for (const values of [
        [0.1, 0.1, 0.1, 0.1],
        [0, 1],
      ])
        observer.forward(Tensor.from('float32', values));
      return [...observer.histogram];
    },
    [5, 1],
    [3, 1],
  ],
  [
    (recipe) => {
      const fake = new FusedMovingAvgObsFakeQuantize({
        dtype: 'int8',
        qscheme: 'per_tensor_symmetric',
        quantMin: -8,
        quantMax: 7,
        recipe,
      });
      fake.forward(Tensor.from('float32', [-1, 0.5]));
      return [fake.state.get('scale')!, fake.calculateQparams().scale].map(({ data }) => data[0]);
    },
    [1 / 8, 1 / 8],
    [1 / 8, Math.fround(1 / 7.5)],
  ],
  [
    (recipe) =>
      convertPt2e(prepare(recipe, [2, 4], (m, x) => m.linear.call(x), true))
        .graph.nodes.filter(({ target }) => target === '_frozen_param0')
        .map(String),
    ['quantize_per_channel_default'],
    ['_frozen_param0'],
  ],
];

describe('docs/recipes.md', () => {
  it('says of every difference what can be seen', () => expect(rows).toHaveLength(seen.length));

  it.each(rows.map((row, i) => [row, ...seen[i]] as const))('%s', (_, look, torchao, older) => {
    expect(look('torchao')).toEqual(torchao);
    expect(look('pytorch-2.6')).toEqual(older);
  });
});
