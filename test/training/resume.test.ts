import { describe, expect, it } from 'vitest';
import {
  exportModel,
  freezeBatchNormStats,
  moveExportedModelToEval,
  moveExportedModelToTrain,
  Tensor,
} from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { AdamW, SGD, Trainer, type TrainerOptions } from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';
import {
  bitsOf,
  images,
  labels,
  loss,
  Perceptron,
  prepared,
  targets,
  trainerOf,
  x,
} from '../support/training.ts';

const F = nn.functional;

describe("a trainer's state", () => {
  it.each([
    ['SGD', () => new SGD({ lr: 0.1, momentum: 0.9 })],
    ['AdamW', () => new AdamW({ lr: 0.01 })],
  ])('of %s goes on bit for bit in another trainer', async (_, optimizer) => {
    const make = (seed: number) =>
      new Trainer(prepared(seed), { loss, targets, optimizer: optimizer(), threads: 1 });
    using whole = make(1);
    using before = make(1);
    using after = make(2);
    for (let i = 0; i < 6; i++) await whole.step({ x: images }, { labels });
    for (let i = 0; i < 3; i++) await before.step({ x: images }, { labels });
    before.optimizer.lr /= 2;
    before.optimizer.lr *= 2;
    const state = before.stateDict();
    const kept = bitsOf(state);
    after.optimizer.lr = 0;
    after.loadStateDict(state);
    for (let i = 0; i < 3; i++) await after.step({ x: images }, { labels });
    expect(bitsOf(after.stateDict())).toEqual(bitsOf(whole.stateDict()));
    expect(after.steps).toBe(6);
    // Neither trainer writes to what was handed over.
    for (let i = 0; i < 3; i++) await before.step({ x: images }, { labels });
    expect(bitsOf(state)).toEqual(kept);
  });

  it("is refused where it is another model's, and nothing is changed then", async () => {
    using trainer = new Trainer(prepared(1), {
      loss,
      targets,
      optimizer: new SGD({ lr: 0.1, momentum: 0.9 }),
    });
    const before = bitsOf(trainer.stateDict());
    const { trainer: other } = trainerOf(new SGD({ lr: 0.1 }));
    using _ = other;
    expect(() => trainer.loadStateDict(other.stateDict())).toThrow(
      /missing: .*conv.weight.*not known: model.first.weight/s,
    );
    const misfit = new Map([...trainer.stateDict(), ['model.head.bias', Tensor.zeros('float32', [4])]]);
    expect(() => trainer.loadStateDict(misfit)).toThrow(
      'of another dtype or shape: model.head.bias is float32[3], got float32[4]',
    );
    expect(bitsOf(trainer.stateDict())).toEqual(before);
  });
});

describe('gradients', () => {
  const one = Tensor.from('float32', [3, 4]);

  /** d/ds sum(x s) = x: (3, 4), of norm 5. */
  class Scaled extends nn.Module {
    readonly scale = new nn.Parameter(Tensor.from('float32', [1, 1]));
    readonly shift = new nn.Parameter(Tensor.from('float32', [0]));
    override forward(input: nn.Value): nn.Value {
      return F.add(F.mul(input, this.scale.tensor), F.mul(this.shift.tensor, 0));
    }
  }

  const stepped = async (options: Partial<TrainerOptions>) => {
    const model = exportModel(new Scaled().train(), { x: one });
    using trainer = new Trainer(model, {
      loss: ([y]) => F.sum(y, [0]),
      targets: {},
      optimizer: new SGD({ lr: 1 }),
      ...options,
    });
    const { gradNorm } = await trainer.step({ x: one }, {});
    return { gradNorm, scale: model.attribute('scale').toArray() as number[] };
  };

  it('are scaled down to the largest norm, or clamped, or both in PyTorch’s order', async () => {
    const close = (actual: readonly number[], wanted: readonly number[]) => {
      actual.forEach((value, i) => {
        // float32, and the 1e-6 that clip_grad_norm_ adds.
        expect(value).toBeCloseTo(wanted[i], 5);
      });
    };
    close((await stepped({})).scale, [-2, -3]);
    expect((await stepped({})).gradNorm).toBeUndefined();
    const small = await stepped({ clipGradNorm: 1 });
    close(small.scale, [1 - 3 / 5, 1 - 4 / 5]);
    expect(small.gradNorm).toBeCloseTo(5, 5);
    close((await stepped({ clipGradNorm: 10 })).scale, [-2, -3]);
    close((await stepped({ clipGradValue: 3.5 })).scale, [-2, -2.5]);
    close((await stepped({ clipGradValue: 2, clipGradNorm: Math.SQRT2 })).scale, [0, 0]);
  });

  it('are not computed of frozen parameters', async () => {
    nn.manualSeed(5);
    const model = exportModel(new Perceptron().train(), { x });
    const before = new Map([...model.attributes].map(([path, tensor]) => [path, tensor.toArray()]));
    const frozen = (path: string) => path.startsWith('first');
    using trainer = new Trainer(model, {
      loss,
      targets,
      optimizer: new SGD({ lr: 0.1, momentum: 0.9 }),
      frozen,
    });
    await trainer.step({ x }, { labels });
    for (const [path, values] of before)
      if (frozen(path)) expect(model.attribute(path).toArray()).toEqual(values);
      else expect(model.attribute(path).toArray()).not.toEqual(values);
    expect([...trainer.stateDict().keys()]).not.toContain('optimizer.first.weight.momentum_buffer');
  });

  it.each<[string, Partial<TrainerOptions>, string]>([
    ['a norm of 0', { clipGradNorm: 0 }, 'clipGradNorm must be above 0, got 0'],
    ['a limit that is no number', { clipGradValue: Number.NaN }, 'clipGradValue must be above 0, got NaN'],
    ['a frozen parameter that does not exist', { frozen: ['scala'] }, 'frozen names scala'],
    ['nothing to train', { frozen: () => true }, 'all parameters are frozen'],
  ])('have no %s', async (_, options, message) => {
    await expect(stepped(options)).rejects.toThrow(message);
  });
});

describe('a step', () => {
  it('takes batches of other sizes where the model does', async () => {
    const captured = () => {
      nn.manualSeed(5);
      const batch = { dynamicShapes: { x: { 0: { name: 'batch', max: 1024 } } } };
      return exportModel(new Perceptron().train(), { x }, batch);
    };
    const some = (n: number) => ({
      x: new Tensor('float32', (x.data as Float32Array).slice(0, 4 * n), [n, 4]),
      labels: Tensor.from('int64', [0, 1, 2, 0, 1, 2].slice(0, n)),
    });
    const train = async (declared: number, sizes: readonly number[]) => {
      const model = captured();
      const wanted = { labels: { dtype: 'int64', shape: [declared] } } as const;
      const optimizer = new SGD({ lr: 0.1, momentum: 0.9 });
      using trainer = new Trainer(model, { loss, targets: wanted, shapes: { x: [declared, 4] }, optimizer });
      for (const n of sizes) await trainer.step({ x: some(n).x }, { labels: some(n).labels });
      return model.attribute('first.weight').toArray();
    };
    // More sizes than plans are kept.
    const sizes = [6, 4, 6, 5, 3, 2, 1, 6];
    expect(await train(6, sizes)).toEqual(await train(4, sizes));
    using trainer = new Trainer(captured(), {
      loss,
      targets,
      shapes: { x: [6, 4] },
      optimizer: new SGD({ lr: 0.1 }),
    });
    await expect(trainer.step({ x: uniform([6, 5], 0, 1, 1) }, { labels })).rejects.toThrow("'x'");
    await expect(trainer.step({ x: some(5).x }, { labels })).rejects.toThrow(
      "'labels' must be int64[5], got int64[6]",
    );
    expect(trainer.steps).toBe(0);
  });

  it('follows the modes of batch norms and dropouts', async () => {
    const model = prepared(1);
    using trainer = new Trainer(model, { loss, targets, optimizer: new SGD({ lr: 0.1, momentum: 0.9 }) });
    const statistics = () => model.attribute('bn.running_mean').toArray();
    const moves = async () => {
      const before = statistics();
      await trainer.step({ x: images }, { labels });
      return statistics().some((value, i) => value !== before[i]);
    };
    expect(await moves()).toBe(true);
    moveExportedModelToEval(model);
    const { loss: first } = await trainer.step({ x: images }, { labels });
    expect(first).toBeGreaterThan(0);
    expect(await moves()).toBe(false);
    moveExportedModelToTrain(model);
    expect(await moves()).toBe(true);
    freezeBatchNormStats(model);
    expect(await moves()).toBe(false);
  });
});
