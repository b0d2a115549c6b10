import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import {
  convertPt2e,
  exportModel,
  FusedMovingAvgObsFakeQuantize,
  getDefaultX86QuantizationConfig,
  moveExportedModelToEval,
  prepareQatPt2e,
  Tensor,
  X86Quantizer,
} from '../../lib/index.ts';
import { callOperatorForMany } from '../../lib/nn/dispatcher.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { labels, Perceptron, targets, trainerOf, x } from '../support/training.ts';

const F = nn.functional;

describe('a model', () => {
  /** One convolution and one batch norm, called twice. */
  class Twice extends nn.Module {
    readonly conv = new nn.Conv2d(3, 3, 3, { padding: 1 });
    readonly bn = new nn.BatchNorm2d(3);

    override forward(input: nn.Value): nn.Value {
      const block = (value: nn.Value) => F.relu(this.bn.call(this.conv.call(value)));
      return F.flatten(F.adaptiveAvgPool2d(block(block(input)), 1), 1);
    }
  }

  const images = uniform([6, 3, 8, 8], -1, 1, 9);
  const loss = ([logits]: readonly nn.Value[], { labels: wanted }: Readonly<Record<string, nn.Value>>) =>
    F.crossEntropy(logits, wanted);

  it('that calls a batch norm twice moves its statistics twice', async () => {
    nn.manualSeed(3);
    const module = new Twice();
    const model = exportModel(module.train(), { x: images });
    using trainer = new Trainer(model, { loss, targets, optimizer: new SGD({ lr: 0 }) });
    await trainer.step({ x: images }, { labels });
    expect(model.attribute('bn.num_batches_tracked').data[0]).toBe(2n);
    // The same calls one by one, in PyTorch's order: each with the statistics that the one before has left.
    const call = (target: string, args: readonly nn.Value[], rest: readonly (number | boolean)[] = []) =>
      callOperatorForMany({ target, args: [...args, ...rest], source: '' }) as readonly Tensor[];
    let value: nn.Value = images;
    let [mean, variance] = [module.bn.running_mean.tensor, module.bn.running_var.tensor];
    for (let i = 0; i < 2; i++) {
      const inputs = [
        module.conv.call(value),
        module.bn.weight.tensor,
        module.bn.bias.tensor,
        mean,
        variance,
      ];
      const target = 'aten._native_batch_norm_legit_functional.default';
      const results = call(target, inputs, [true, 0.1, 1e-5]);
      value = F.relu(results[0]);
      [mean, variance] = [results[3], results[4]];
    }
    model
      .attribute('bn.running_mean')
      .toArray()
      .forEach((each, i) => {
        expect(each).toBeCloseTo(Number(mean.data[i]), 6);
      });
    model
      .attribute('bn.running_var')
      .toArray()
      .forEach((each, i) => {
        expect(each).toBeCloseTo(Number(variance.data[i]), 6);
      });
  });

  it('that calls a convolution twice is converted to what was trained', async () => {
    nn.manualSeed(3);
    const config = getDefaultX86QuantizationConfig({ isQat: true });
    const model = prepareQatPt2e(
      exportModel(new Twice().train(), { x: images }),
      new X86Quantizer().setGlobal(config),
    );
    using trainer = new Trainer(model, { loss, targets, optimizer: new SGD({ lr: 0.05 }) });
    for (let i = 0; i < 40; i++) await trainer.step({ x: images }, { labels });
    moveExportedModelToEval(model);
    for (const fake of model.modules.values())
      if (fake instanceof FusedMovingAvgObsFakeQuantize) fake.observerEnabled = false;
    const [wanted] = new Interpreter(model, operators).run([images]);
    const [actual] = new Interpreter(convertPt2e(model), operators).run([images]);
    // A value that is rounded to the next integer in one of them, and its like.
    actual.toArray().forEach((each, i) => {
      expect(Math.abs(Number(each) - Number(wanted.data[i]))).toBeLessThan(0.02);
    });
  });

  it('keeps the tensors that were taken from it, and takes them back', async () => {
    const { model, trainer } = trainerOf(new SGD({ lr: 0.5, momentum: 0.9 }));
    using _ = trainer;
    await trainer.step({ x }, { labels });
    const kept = new Map(model.attributes);
    const values = [...kept].map(([, tensor]) => tensor.toArray());
    for (let i = 0; i < 4; i++) await trainer.step({ x }, { labels });
    expect([...kept].map(([, tensor]) => tensor.toArray())).toEqual(values);
    const { loss: before } = await trainer.step({ x }, { labels });
    for (const [path, tensor] of kept) model.attributes.set(path, tensor);
    expect((await trainer.step({ x }, { labels })).loss).toBeGreaterThan(before);
  });

  it('may return its parameters, which a loss may read, too', async () => {
    class Scaled extends nn.Module {
      readonly scale = new nn.Parameter(Tensor.from('float32', [2]));
      override forward(input: nn.Value): readonly nn.Value[] {
        return [F.mul(input, this.scale.tensor), this.scale.tensor];
      }
    }
    const module = new Scaled();
    const one = Tensor.from('float32', [3]);
    const model = exportModel(module.train(), { x: one });
    using trainer = new Trainer(model, {
      loss: ([y]) => F.sum(F.add(y, F.mul(module.scale.tensor, 10)), [0]),
      targets: {},
      optimizer: new SGD({ lr: 0.1 }),
    });
    // d/ds (3 s + 10 s) = 13
    for (const scale of [2, 0.7, -0.6]) {
      const { loss: value, outputs } = await trainer.step({ x: one }, {});
      expect(value).toBeCloseTo(13 * scale, 4);
      expect(outputs[1].toArray()[0]).toBeCloseTo(scale, 5);
    }
  });

  it.each<[string, () => unknown, string]>([
    [
      'a group with an unknown field',
      () => new SGD({ lr: 1, groups: [{ params: ['w'] } as never] }),
      '"params"',
    ],
    ['a group with a negative rate', () => new SGD({ lr: 1, groups: [{ lr: -7 }] }), 'lr must be 0 or more'],
    [
      'a group of a parameter that does not exist',
      () => trainerOf(new SGD({ lr: 1, groups: [{ parameters: ['first.wait'] }] })),
      "'first.wait'",
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  it('refuses targets that are called as its inputs, losses that are none, and rates that are no numbers', async () => {
    const model = exportModel(new Perceptron().train(), { x });
    const optimizer = new SGD({ lr: 0 });
    const options = { loss, targets, optimizer };
    expect(() => new Trainer(model, { ...options, targets: { x: targets.labels } })).toThrow("called 'x'");
    expect(() => new Trainer(model, { ...options, loss: () => undefined as never })).toThrow('got undefined');
    expect(() => new Trainer(model, { ...options, seed: 1.5 })).toThrow('seed must be a whole number');
    using trainer = new Trainer(model, options);
    const before = model.attribute('first.weight').toArray();
    for (const [lr, message] of [
      [Number.NaN, '0 or more, got NaN'],
      [-1, '0 or more, got -1'],
      [1e39, 'finite in float32, got 1e+39'],
    ] as const) {
      optimizer.lr = lr;
      await expect(trainer.step({ x }, { labels })).rejects.toThrow(`SGD: lr must be ${message}`);
    }
    expect(model.attribute('first.weight').toArray()).toEqual(before);
    // A rate that rises from 0.
    optimizer.lr = 0.5;
    await trainer.step({ x }, { labels });
    expect(model.attribute('first.weight').toArray()).not.toEqual(before);
  });
});

describe('a prepared model', () => {
  class Small extends nn.Module {
    readonly conv = new nn.Conv2d(3, 4, 3, { bias: true });
    readonly bn = new nn.BatchNorm2d(4);
    readonly fc = new nn.Linear(4, 3);

    override forward(input: nn.Value): nn.Value {
      const y = F.relu(this.bn.call(this.conv.call(input)));
      return this.fc.call(F.flatten(F.adaptiveAvgPool2d(y, 1), 1));
    }
  }

  const images = uniform([6, 3, 8, 8], -1, 1, 9);

  function prepared() {
    nn.manualSeed(3);
    const captured = exportModel(new Small().train(), { x: images });
    const config = getDefaultX86QuantizationConfig({ isQat: true });
    const model = prepareQatPt2e(captured, new X86Quantizer().setGlobal(config));
    const trainer = new Trainer(model, {
      loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted),
      targets,
      optimizer: new SGD({ lr: 0 }),
      threads: 1,
    });
    const fakes = [...new Set(model.modules.values())].filter(
      (module) => module instanceof FusedMovingAvgObsFakeQuantize,
    );
    return { captured, model, trainer, fakes };
  }

  const step = async (trainer: Trainer, x: Tensor) => (await trainer.step({ x }, { labels })).loss;

  it('stops moving its ranges, and rounding, when its fake quantizers are switched off between steps', async () => {
    const { captured, trainer, fakes } = prepared();
    using _ = trainer;
    expect(fakes.length).toBeGreaterThan(3);
    await step(trainer, images);
    const ranges = () => fakes.map(({ state }) => state.get('max_val')!.toArray());
    for (const fake of fakes) fake.observerEnabled = false;
    const before = ranges();
    const rounded = await step(trainer, uniform([6, 3, 8, 8], -9, 9, 4));
    expect(ranges()).toEqual(before);
    for (const fake of fakes) fake.fakeQuantEnabled = false;
    using float = new Trainer(captured, {
      loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted),
      targets,
      optimizer: new SGD({ lr: 0 }),
    });
    const wide = uniform([6, 3, 8, 8], -9, 9, 4);
    const exact = await step(float, wide);
    // The weight is multiplied with its factor and divided by it again: float32's rounding.
    expect(await step(trainer, wide)).toBeCloseTo(exact, 5);
    expect(Math.abs(rounded - exact)).toBeGreaterThan(1e-3);
  });

  it('goes on with tensors that were given to it between steps', async () => {
    const { model, trainer } = prepared();
    using _ = trainer;
    const first = await step(trainer, images);
    model.attributes.set('fc.bias', Tensor.from('float32', [5, -5, 0]));
    expect(Math.abs((await step(trainer, images)) - first)).toBeGreaterThan(0.5);
    expect(model.attribute('fc.bias').toArray()).toEqual([5, -5, 0]);
  });

  it('has no batch norm with a weight of 0, at first or later', async () => {
    const captured = exportModel(new Small().train(), { x: images });
    captured.attributes.set('bn.weight', Tensor.from('float32', [1, 2, 0, 1]));
    const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig({ isQat: true }));
    expect(() => prepareQatPt2e(captured, quantizer)).toThrow(
      "the weight 'bn.weight' of the batch norm is 0 in channel 2",
    );
    const { model, trainer, fakes } = prepared();
    using _ = trainer;
    await step(trainer, images);
    model.attributes.set('bn.weight', Tensor.from('float32', [1, 2, -0, 1]));
    const before = [...model.attributes].map(([, tensor]) => tensor.toArray());
    await expect(step(trainer, images)).rejects.toThrow('holds NaN');
    for (const fake of fakes) fake.observerEnabled = false;
    await expect(step(trainer, images)).rejects.toThrow('the loss is NaN');
    expect([...model.attributes].map(([, tensor]) => tensor.toArray())).toEqual(before);
  });
});
