import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exportModel, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';

const F = nn.functional;

/** Losses and gradients of PyTorch 2.6, written by script/goldens/cross_entropy.py. */
interface Golden {
  readonly logits: readonly number[];
  readonly labels: readonly number[];
  readonly ignoring: readonly number[];
  readonly weight: readonly number[];
  readonly shares: readonly number[];
  readonly cases: readonly {
    readonly reduction: nn.functional.Reduction;
    readonly labelSmoothing: number;
    readonly weighted: boolean;
    readonly ignoreIndex: number | null;
    readonly loss: readonly number[];
    readonly gradient: readonly number[];
  }[];
}

const fixture = new URL('../fixtures/training/cross_entropy.json', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(fixture, 'utf8'));
const logits = Tensor.from('float32', golden.logits, [7, 5]);
const weight = Tensor.from('float32', golden.weight);
const labels = Tensor.from('int64', golden.labels);

/** Parameters that are the logits: after a step with a rate of 1 they are less by their gradients. */
class Logits extends nn.Module {
  readonly logits = new nn.Parameter(logits);

  override forward(x: nn.Value): nn.Value {
    return F.mul(this.logits.tensor, x);
  }
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    // float32 in another order, of numbers up to 10.
    expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
  });
}

describe('crossEntropy', () => {
  it.each(golden.cases.map((each) => [JSON.stringify({ ...each, loss: 0, gradient: 0 }), each] as const))(
    "has PyTorch's losses and gradients: %s",
    async (_, { reduction, labelSmoothing, weighted, ignoreIndex, loss, gradient }) => {
      const target = Tensor.from('int64', ignoreIndex === -100 ? golden.ignoring : golden.labels);
      const options = {
        reduction,
        labelSmoothing,
        ...(weighted ? { weight } : {}),
        ...(ignoreIndex === null ? {} : { ignoreIndex }),
      };
      expectClose((F.crossEntropy(logits, target, options) as Tensor).toArray(), loss);
      const one = Tensor.from('float32', [1]);
      const model = exportModel(new Logits().train(), { x: one });
      using trainer = new Trainer(model, {
        loss: ([scores], { wanted, shares }) => {
          const losses = F.crossEntropy(scores, wanted, options);
          return reduction === 'none' ? F.sum(F.mul(losses, shares), [0]) : losses;
        },
        targets: { wanted: { dtype: 'int64', shape: [7] }, shares: { dtype: 'float32', shape: [7] } },
        optimizer: new SGD({ lr: 1 }),
        threads: 1,
      });
      await trainer.step({ x: one }, { wanted: target, shares: Tensor.from('float32', golden.shares) });
      const after = model.attribute('logits').toArray();
      expectClose(
        after.map((value, i) => golden.logits[i] - value),
        gradient,
      );
    },
  );

  it('is NaN where every example is ignored, as in PyTorch, which a trainer refuses', async () => {
    const all = Tensor.from('int64', Array(7).fill(-1));
    expect((F.crossEntropy(logits, all, { ignoreIndex: -1 }) as Tensor).item()).toBeNaN();
    const one = Tensor.from('float32', [1]);
    using trainer = new Trainer(exportModel(new Logits().train(), { x: one }), {
      loss: ([scores], { wanted }) => F.crossEntropy(scores, wanted, { ignoreIndex: -1 }),
      targets: { wanted: { dtype: 'int64', shape: [7] } },
      optimizer: new SGD({ lr: 1 }),
    });
    await expect(trainer.step({ x: one }, { wanted: all })).rejects.toThrow('the loss is NaN in step 1');
  });

  it('names a label that does not exist, if it is not the one that is ignored', () => {
    const wrong = Tensor.from('int64', [0, 1, 2, 3, 4, 5, 0]);
    expect(() => F.crossEntropy(logits, wrong)).toThrow(/index 5/);
    expect(() => F.crossEntropy(logits, wrong, { ignoreIndex: -100 })).toThrow(/index 5/);
    expect((F.crossEntropy(logits, wrong, { ignoreIndex: 5 }) as Tensor).item()).toBeGreaterThan(0);
  });

  it.each<[string, () => unknown, string]>([
    ['an unknown option', () => F.crossEntropy(logits, labels, { smoothing: 0 } as never), '"smoothing"'],
    [
      'a smoothing above 1',
      () => F.crossEntropy(logits, labels, { labelSmoothing: 2 }),
      'from 0 to 1, got 2',
    ],
    ['another reduction', () => F.crossEntropy(logits, labels, { reduction: 'max' as never }), 'got max'],
    ['half a label', () => F.crossEntropy(logits, labels, { ignoreIndex: 0.5 }), 'a whole number, got 0.5'],
    [
      'too few weights',
      () => F.crossEntropy(logits, labels, { weight: Tensor.zeros('float32', [4]) }),
      'weight must be float32 [5], got float32 [4]',
    ],
    [
      'labels that are no whole numbers',
      () => F.crossEntropy(logits, Tensor.zeros('float32', [7])),
      'got float32 [7, 5] and float32 [7]',
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});
