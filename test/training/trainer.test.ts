import { describe, expect, it } from 'vitest';
import { exportModel, Tensor } from '../../lib/index.ts';
import { callOperator } from '../../lib/nn/dispatcher.ts';
import * as nn from '../../lib/nn/index.ts';
import { AdamW, SGD, Trainer } from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { labels, trainerOf, x } from '../support/training.ts';

const F = nn.functional;

const resized = (y: nn.Value) =>
  callOperator({ target: 'octavo.resize.default', args: [y, [1], [6]], source: 'resize' });

/** Updates in float64, as PyTorch's documentation writes them down. */
const references = {
  sgd: { optimizer: () => new SGD({ lr: 0.1, momentum: 0.9, weightDecay: 0.01 }), state: 1 },
  nesterov: { optimizer: () => new SGD({ lr: 0.1, momentum: 0.9, nesterov: true }), state: 1 },
  adamw: { optimizer: () => new AdamW({ lr: 0.01, weightDecay: 0.1 }), state: 2 },
};

function updated(
  name: keyof typeof references,
  p: number,
  g: number,
  state: number[],
  t: number,
): [number, number[]] {
  if (name === 'adamw') {
    const m = 0.9 * state[0] + 0.1 * g;
    const v = 0.999 * state[1] + 0.001 * g * g;
    const [mean, square] = [m / (1 - 0.9 ** t), v / (1 - 0.999 ** t)];
    return [p - 0.01 * 0.1 * p - (0.01 * mean) / (Math.sqrt(square) + 1e-8), [m, v]];
  }
  const decayed = name === 'sgd' ? g + 0.01 * p : g;
  const buffer = 0.9 * state[0] + decayed;
  return [p - 0.1 * (name === 'nesterov' ? decayed + 0.9 * buffer : buffer), [buffer]];
}

/** The gradient of the second layer's bias: softmax minus one-hot, averaged. */
function biasGradient(logits: Tensor): number[] {
  const values = logits.toArray() as number[];
  const sums = [0, 0, 0];
  for (let row = 0; row < 6; row++) {
    const exps = [0, 1, 2].map((c) => Math.exp(values[3 * row + c]));
    const total = exps.reduce((a, b) => a + b, 0);
    exps.forEach((e, c) => {
      sums[c] += (e / total - (c === row % 3 ? 1 : 0)) / 6;
    });
  }
  return sums;
}

describe('optimizers', () => {
  it.each(Object.keys(references) as (keyof typeof references)[])(
    '%s takes its documented steps',
    async (name) => {
      const { model, trainer } = trainerOf(references[name].optimizer());
      using _ = trainer;
      let bias = model.attribute('second.bias').toArray() as number[];
      let state = bias.map(() => Array<number>(references[name].state).fill(0));
      for (let step = 1; step <= 4; step++) {
        const { outputs } = await trainer.step({ x }, { labels });
        const gradients = biasGradient(outputs[0]);
        const next = bias.map((p, i) => updated(name, p, gradients[i], state[i], step));
        [bias, state] = [next.map(([p]) => p), next.map(([, s]) => s)];
        const actual = model.attribute('second.bias').toArray() as number[];
        // float32 in another order.
        actual.forEach((value, i) => {
          expect(value).toBeCloseTo(bias[i], 5);
        });
      }
      expect(trainer.steps).toBe(4);
    },
  );

  it('makes the loss small', async () => {
    const { trainer } = trainerOf(new SGD({ lr: 0.5, momentum: 0.9 }));
    using _ = trainer;
    const first = (await trainer.step({ x }, { labels })).loss;
    for (let i = 0; i < 200; i++) await trainer.step({ x }, { labels });
    expect((await trainer.step({ x }, { labels })).loss).toBeLessThan(first / 20);
  });

  it('has learning rates by group, which a schedule scales', async () => {
    const optimizer = new SGD({
      lr: 0.1,
      groups: [{ parameters: (path) => path.startsWith('first'), lr: 0 }],
    });
    const { model, trainer } = trainerOf(optimizer);
    using _ = trainer;
    const before = ['first.weight', 'second.weight'].map((path) => model.attribute(path).toArray());
    await trainer.step({ x }, { labels });
    expect(model.attribute('first.weight').toArray()).toEqual(before[0]);
    expect(model.attribute('second.weight').toArray()).not.toEqual(before[1]);
    optimizer.lr = 0;
    const still = model.attribute('second.weight').toArray();
    await trainer.step({ x }, { labels });
    expect(model.attribute('second.weight').toArray()).toEqual(still);
  });

  it.each([
    ['a negative rate', () => new SGD({ lr: -1 }), 'SGD: lr must be 0 or more, got -1'],
    [
      'a rate that float32 has not',
      () => new AdamW({ lr: 1e39 }),
      'AdamW: lr must be finite in float32, got 1e+39',
    ],
    [
      'an endless momentum',
      () => new SGD({ lr: 1, momentum: Infinity }),
      'momentum must be 0 or more, got Inf',
    ],
    [
      'an endless decay',
      () => new SGD({ lr: 1, weightDecay: Infinity }),
      'weightDecay must be 0 or more, got Inf',
    ],
    ['a decay that float32 has not', () => new AdamW({ weightDecay: 1e39 }), 'weightDecay must be finite in'],
    ['a word for eps', () => new AdamW({ eps: '1' as never }), "eps must be 0 or more, got '1'"],
    ['one beta', () => new AdamW({ betas: [0.9] as never }), 'betas must be two numbers, got [ 0.9 ]'],
    ['no list of betas', () => new AdamW({ betas: 0.9 as never }), 'betas must be two numbers, got 0.9'],
    [
      'groups that are no list',
      () => new SGD({ lr: 1, groups: {} as never }),
      'SGD: groups must be a list, got {}',
    ],
    [
      'text for paths, parts of which would match',
      () => new SGD({ lr: 1, groups: [{ parameters: 'l.weight and l.bias' as never }] }),
      "parameters must be a list of paths, or a test for them, got 'l.weight and l.bias'",
    ],
    [
      'a path that is none',
      () => new SGD({ lr: 1, groups: [{ parameters: [3] as never }] }),
      'parameters must be a list of paths',
    ],
    [
      "a group's decay that float32 has not",
      () => new SGD({ lr: 1, groups: [{ weightDecay: 1e39 }] }),
      'a group of parameters: weightDecay must be finite in float32',
    ],
    [
      'a momentum that is none',
      () => new SGD({ lr: 1, nesterov: true }),
      "Nesterov's momentum needs a momentum",
    ],
    ['a beta of 1', () => new AdamW({ betas: [0.9, 1] }), 'betas must be in [0, 1), got 1'],
    ['an unknown option', () => new SGD({ lr: 1, decay: 1 } as never), '"decay"'],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('a step that fails', () => {
  it('changes nothing', async () => {
    const { model, trainer } = trainerOf(new SGD({ lr: 0.1 }));
    using _ = trainer;
    await trainer.step({ x }, { labels });
    const before = model.attribute('first.weight').toArray();
    const wrong = Tensor.from('int64', [0, 1, 2, 0, 1, 3]);
    await expect(trainer.step({ x }, { labels: wrong })).rejects.toThrow(/index 3/);
    const nan = Tensor.from('float32', Array(24).fill(Number.NaN), [6, 4]);
    await expect(trainer.step({ x: nan }, { labels })).rejects.toThrow('the loss is NaN in step 2');
    await expect(trainer.step({ x: uniform([5, 4], 0, 1, 1) }, { labels })).rejects.toThrow("'x'");
    await expect(trainer.step({ x }, { labels: Tensor.zeros('float32', [6]) })).rejects.toThrow("'labels'");
    await expect(trainer.step({}, { labels })).rejects.toThrow("'x'");
    // Of the batch alone: the parameters are inputs of the plan, too.
    await expect(trainer.step({ x }, {})).rejects.toThrow(
      "expected one tensor for each input (labels: int64[6]), got none for 'labels'",
    );
    await expect(trainer.step({ x }, { labels, weights: x })).rejects.toThrow("got 'weights'");
    expect(model.attribute('first.weight').toArray()).toEqual(before);
    expect(trainer.steps).toBe(1);
    await trainer.step({ x }, { labels });
    expect(trainer.steps).toBe(2);
  });

  it('names operators without a gradient', () => {
    class Layer extends nn.Module {
      readonly layer = new nn.Linear(4, 3);

      override forward(input: nn.Value): nn.Value {
        return this.layer.call(input);
      }
    }
    const model = exportModel(new Layer().train(), { x });
    const options = {
      loss: ([y]: readonly nn.Value[]) => F.sum(resized(y), [0, 1]),
      targets: {},
      optimizer: new SGD({ lr: 1 }),
    };
    expect(() => new Trainer(model, options)).toThrow(/no gradient of octavo.resize.default/);
  });

  it('names parameters that the loss does not depend on, unless they are frozen', async () => {
    class Heads extends nn.Module {
      readonly read = new nn.Linear(4, 3);
      readonly unread = new nn.Linear(4, 2);

      override forward(input: nn.Value): readonly nn.Value[] {
        return [this.read.call(input), this.unread.call(input)];
      }
    }
    const model = exportModel(new Heads().train(), { x });
    const options = {
      loss: ([y]: readonly nn.Value[]) => F.sum(y, [0, 1]),
      targets: {},
      optimizer: new SGD({ lr: 1 }),
    };
    expect(() => new Trainer(model, options)).toThrow(
      'the loss does not depend on the parameters unread.weight, unread.bias; if that is right, name them as frozen',
    );
    const kept = model.attribute('unread.weight').toArray();
    using trainer = new Trainer(model, { ...options, frozen: ['unread.weight', 'unread.bias'] });
    await trainer.step({ x }, {});
    expect(model.attribute('unread.weight').toArray()).toEqual(kept);
  });
});
