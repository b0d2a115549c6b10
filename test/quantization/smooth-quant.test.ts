import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import { type GraphModule, printGraph } from '../../lib/graph/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { smoothQuant } from '../../lib/quantization/index.ts';
import { quantizeDynamic, quantizeStatic } from '../../lib/recipes/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const [BATCH, LENGTH, WIDTH, HIDDEN] = [2, 8, 64, 96];
const OUTLIERS = [3, 17, 40];

/** Who else reads the layer norm's result, or the weights of a layer that does. */
type Other = 'nobody' | 'the norm' | 'a weight';

/** A layer norm, two layers that read it, and a third one. */
class Gated extends nn.Module {
  readonly norm = new nn.LayerNorm(WIDTH);
  readonly gate = new nn.Linear(WIDTH, HIDDEN);
  readonly up = new nn.Linear(WIDTH, HIDDEN);
  readonly down = new nn.Linear(HIDDEN, WIDTH);
  readonly other: Other;

  constructor(other: Other) {
    super();
    this.other = other;
  }

  forward(x: nn.Value): nn.Value {
    const { functional: F } = nn;
    const y = this.norm.call(x);
    const hidden = F.relu(F.add(this.gate.call(y), this.up.call(y)));
    const z = this.down.call(this.other === 'a weight' ? F.add(hidden, this.gate.call(x)) : hidden);
    return this.other === 'the norm' ? F.add(z, y) : z;
  }
}

/** The norm makes some channels a hundred times as large as others, and the layers' weights for them are small. */
function build(other: Other = 'nobody'): GraphModule {
  nn.manualSeed(7);
  const x = { dtype: 'float32', shape: [BATCH, LENGTH, WIDTH] } as const;
  const model = exportModel(new Gated(other).eval(), { x });
  const numbers = (name: string) => model.attribute(name).data as Float32Array;
  for (const channel of OUTLIERS) {
    numbers('norm.weight')[channel] = 100;
    for (const name of ['gate.weight', 'up.weight'])
      for (let row = 0; row < HIDDEN; row++) numbers(name)[row * WIDTH + channel] *= 0.01;
  }
  return model;
}

function input(seed: number): Tensor {
  const data = new Float32Array(BATCH * LENGTH * WIDTH);
  new nn.Generator(seed).fillNormal(data, 0, 1);
  return new Tensor('float32', data, [BATCH, LENGTH, WIDTH]);
}

function run(module: GraphModule, x: Tensor): Float32Array {
  using model = compile(module);
  return Object.values(model.runSync(x))[0].data as Float32Array;
}

/** Of `noisy` against `clean`. */
function decibels(clean: Float32Array, noisy: Float32Array): number {
  let [signal, noise] = [0, 0];
  clean.forEach((value, i) => {
    signal += value ** 2;
    noise += (value - noisy[i]) ** 2;
  });
  return 10 * Math.log10(signal / noise);
}

/** The function stays the same: what is left is the rounding of float32, in products and in sums of some 100 terms. */
function expectSame(actual: Float32Array, expected: Float32Array): void {
  const largest = Math.max(...expected.map(Math.abs));
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(2e-5 * largest);
  });
}

/** The output of the layer norm in float64. */
function normalized(x: Tensor, weight: ArrayLike<number | bigint>): number[] {
  const y: number[] = [];
  for (let row = 0; row < x.numel; row += WIDTH) {
    const values = Array.from(x.data.subarray(row, row + WIDTH) as Float32Array);
    const mean = values.reduce((a, b) => a + b) / WIDTH;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / WIDTH;
    values.forEach((value, j) => {
      y.push(((value - mean) / Math.sqrt(variance + 1e-5)) * Number(weight[j]));
    });
  }
  return y;
}

const largestByColumn = (values: ArrayLike<number | bigint>): number[] =>
  Array.from({ length: WIDTH }, (_, j) => {
    let largest = 0;
    for (let i = j; i < values.length; i += WIDTH) largest = Math.max(largest, Math.abs(Number(values[i])));
    return largest;
  });

describe('smoothQuant', () => {
  it.each([0, 0.5, 0.8, 1])('has the factors of the paper, alpha %f, over all batches', async (alpha) => {
    const model = build();
    const batches = [input(1), input(2)];
    const { smoothings } = await smoothQuant(model, batches, { alpha });
    const parameter = (name: string) => model.attribute(name).data;
    const activations = largestByColumn(batches.flatMap((x) => normalized(x, parameter('norm.weight'))));
    const weights = [parameter('gate.weight'), parameter('up.weight')].map(largestByColumn);
    expect(smoothings.map(({ layers, absorbedBy }) => [...layers, absorbedBy])).toEqual([
      ['linear', 'linear_1', 'layer_norm'],
      ['linear_2', undefined],
    ]);
    activations.forEach((x, j) => {
      const w = Math.max(weights[0][j], weights[1][j]);
      // As torchao, which adds the epsilon of float32.
      const expected = (x + 2 ** -23) ** alpha / (w + 2 ** -23) ** (1 - alpha);
      // The layer norm in float32.
      expect(Math.abs(smoothings[0].factors[j] / expected - 1)).toBeLessThan(1e-5);
    });
  });

  it.each(['nobody', 'the norm', 'a weight'] as const)(
    'computes the same function where %s is read elsewhere',
    async (other) => {
      const model = build(other);
      const before = printGraph(model.graph, operators);
      const { module, smoothings } = await smoothQuant(model, [input(1)]);
      expect(smoothings.find(({ layers }) => layers.length === 2)?.absorbedBy).toBe(
        other === 'the norm' ? undefined : 'layer_norm',
      );
      const multiplications = module.graph.nodes.filter(({ target }) => target === 'aten.mul.Tensor');
      expect(multiplications).toHaveLength(other === 'nobody' ? 1 : 2);
      expectSame(run(module, input(3)), run(model, input(3)));
      expect(printGraph(model.graph, operators)).toBe(before);
      expectSame(run(model, input(3)), run(build(other), input(3)));
    },
  );

  it('leaves channels that are always 0 as they are', async () => {
    const model = build();
    const weight = model.attribute('norm.weight').data as Float32Array;
    weight[5] = 0;
    const gate = model.attribute('gate.weight').data as Float32Array;
    const up = model.attribute('up.weight').data as Float32Array;
    for (let row = 0; row < HIDDEN; row++) gate[row * WIDTH + 9] = up[row * WIDTH + 9] = 0;
    const { module, smoothings } = await smoothQuant(model, [input(1)]);
    expect([smoothings[0].factors[5], smoothings[0].factors[9]]).toEqual([1, 1]);
    expectSame(run(module, input(3)), run(model, input(3)));
  });

  it('makes int8 more accurate where channels differ', async () => {
    const x = input(5);
    const expected = run(build(), x);
    const accuracy = async (smoothQuant?: { batches: Tensor[]; alpha: number }) => {
      const options = { reduceRange: false, ...(smoothQuant ? { smoothQuant } : {}) };
      using dynamic = await quantizeDynamic(build(), options);
      using fixed = await quantizeStatic(build(), [input(1), input(2)], options);
      return [dynamic, fixed].map((model) =>
        decibels(expected, Object.values(model.runSync(x))[0].data as Float32Array),
      );
    };
    const [dynamic, fixed] = await accuracy();
    const smooth = { batches: [input(1), input(2)], alpha: 0.5 };
    const [smoothDynamic, smoothFixed] = await accuracy(smooth);
    // Outliers of 100 leave the others a few steps. A factor of 10 in the step is 20 decibels.
    expect(smoothDynamic - dynamic).toBeGreaterThan(10);
    expect(smoothFixed - fixed).toBeGreaterThan(10);
  });

  it('says what it cannot do', async () => {
    const model = build();
    await expect(smoothQuant(model, [input(1)], { alpha: 1.5 })).rejects.toThrow(
      'alpha must be a number from 0 to 1, got 1.5',
    );
    await expect(smoothQuant(model, [])).rejects.toThrow('the calibration set is empty');
    const x = { dtype: 'float32', shape: [2, 3] } as const;
    const plain = exportModel(new nn.ReLU(), { x });
    await expect(smoothQuant(plain, [])).rejects.toThrow(/no linear layers.*aten\.relu\.default \(1\)/);
    await expect(quantizeDynamic(model, { smoothQuant: 0.5 as never })).rejects.toThrow(
      'smoothQuant must be { batches, alpha }, got 0.5',
    );
  });
});
