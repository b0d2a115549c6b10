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

  it('refuses labels below 0, which PyTorch does not count from the end', async () => {
    const wrong = Tensor.from('int64', [0, 1, -1, 3, 4, 2, 0]);
    for (const options of [{}, { weight }, { labelSmoothing: 0.1 }, { ignoreIndex: -100 }])
      expect(() => F.crossEntropy(logits, wrong, options)).toThrow(
        /index -1 is out of range for an extent of 5/,
      );
    const one = Tensor.from('float32', [1]);
    const model = exportModel(new Logits().train(), { x: one });
    using trainer = new Trainer(model, {
      loss: ([scores], { wanted }) => F.crossEntropy(scores, wanted),
      targets: { wanted: { dtype: 'int64', shape: [7] } },
      optimizer: new SGD({ lr: 1 }),
    });
    await expect(trainer.step({ x: one }, { wanted: wrong })).rejects.toThrow(/index -1 is out of range/);
    expect(model.attribute('logits').toArray()).toEqual(golden.logits.map(Math.fround));
  });

  it.each<[string, () => unknown, string]>([
    ['fewer labels than logits', () => F.crossEntropy(logits, Tensor.from('int64', [0])), 'and int64 [1]'],
    ['no labels', () => F.crossEntropy(logits, undefined as never), 'got float32 [7, 5] and undefined'],
    ['no logits', () => F.crossEntropy(3 as never, labels), 'got 3 and int64 [7]'],
    [
      'weights that are no tensor',
      () => F.crossEntropy(logits, labels, { weight: [1, 2, 3, 4, 5] as never }),
      'weight must be float32 [5], got [ 1, 2, 3, 4, 5 ]',
    ],
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

describe('mseLoss', () => {
  it('is the mean of squares', () => {
    expect(
      (F.mseLoss(Tensor.from('float32', [1, 2, 4]), Tensor.from('float32', [1, 0, 5])) as Tensor).item(),
    ).toBe(Math.fround(5 / 3));
  });

  it.each<[string, () => unknown, string]>([
    [
      'shapes that would broadcast',
      () => F.mseLoss(Tensor.zeros('float32', [2, 1]), Tensor.zeros('float32', [2])),
      'two tensors of one shape, got float32 [2, 1] and float32 [2]',
    ],
    ['no target', () => F.mseLoss(Tensor.zeros('float32', [2]), undefined as never), '[2] and undefined'],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('distillationLoss', () => {
  const student = Tensor.from('float32', [0.5, -0.25, 1, 0.1, 0.2, 0.3], [2, 3]);
  const teacher = Tensor.from(
    'float32',
    [0, Number.NEGATIVE_INFINITY, 1, 1, 2, Number.NEGATIVE_INFINITY],
    [2, 3],
  );
  // Of PyTorch 2.6: kl_div(log_softmax(student / T), softmax(teacher / T), reduction='batchmean') * T ** 2.
  const known = [
    {
      temperature: 1,
      loss: 0.3685415983200073,
      gradient: [0.0257298499, 0.0756733865, -0.101403236, 0.0158340782, -0.199416816, 0.183582693],
    },
    {
      temperature: 2,
      loss: 1.4520349502563477,
      gradient: [-0.0409893095, 0.231308132, -0.190318823, -0.0607282519, -0.289403588, 0.350131869],
    },
  ];
  class Student extends nn.Module {
    readonly logits = new nn.Parameter(student);

    override forward(x: nn.Value): nn.Value {
      return F.mul(this.logits.tensor, x);
    }
  }

  it.each(known)('counts nothing for a class that the teacher rules out: $temperature', async (wanted) => {
    const { temperature, loss, gradient } = wanted;
    expectClose([(F.distillationLoss(student, teacher, temperature) as Tensor).item() as number], [loss]);
    const one = Tensor.from('float32', [1]);
    const model = exportModel(new Student().train(), { x: one });
    using trainer = new Trainer(model, {
      loss: ([scores], { given }) => F.distillationLoss(scores, given, temperature),
      targets: { given: { dtype: 'float32', shape: [2, 3] } },
      optimizer: new SGD({ lr: 1 }),
    });
    await trainer.step({ x: one }, { given: teacher });
    const after = model.attribute('logits').toArray();
    expectClose(
      student.toArray().map((value, i) => value - after[i]),
      gradient,
    );
  });

  it.each([Number.POSITIVE_INFINITY, 1e300, 1e20, 1e-30, 0, -1, Number.NaN])(
    'refuses the temperature %s',
    (temperature) => {
      expect(() => F.distillationLoss(student, teacher, temperature)).toThrow(`float32; got ${temperature}`);
    },
  );

  it('refuses shapes that would broadcast', () => {
    const row = Tensor.zeros('float32', [1, 3]);
    expect(() => F.distillationLoss(student, row)).toThrow('got float32 [2, 3] and float32 [1, 3]');
    expect(() => F.distillationLoss(student, undefined as never)).toThrow('[2, 3] and undefined');
  });
});
