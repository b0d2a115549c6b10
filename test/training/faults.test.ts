import { describe, expect, it } from 'vitest';
import { exportModel, freezeBatchNormStats, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { AdamW, SGD, Trainer, type TrainerOptions } from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { Perceptron, targets, x } from '../support/training.ts';

const F = nn.functional;
const anyBatch = { dynamicShapes: { x: { 0: { name: 'batch', max: 1024 } } } };
const floats = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  Tensor.from('float32', values, shape);

/** y = s x, with a scale of any shape that is not there before it is called. */
class Scaled extends nn.Module {
  readonly scale: nn.Parameter;

  constructor(scale: Tensor) {
    super();
    this.scale = new nn.Parameter(scale);
  }

  override forward(input: nn.Value): nn.Value {
    return F.mul(input, this.scale.tensor);
  }
}

describe('a parameter', () => {
  it('that the loss reads itself is the one of now, in every plan', async () => {
    const module = new Scaled(floats([2]));
    const model = exportModel(module.train(), { x: floats([3, 3]) }, anyBatch);
    using trainer = new Trainer(model, {
      loss: ([y]) => F.add(F.sum(y, [0]), F.sum(F.mul(module.scale.tensor, 10), [0])),
      shapes: { x: [2] },
      targets: {},
      optimizer: new SGD({ lr: 0.1 }),
      clipGradNorm: 1e6,
    });
    let scale = 2;
    // d/ds (s sum(x) + 10 s) = sum(x) + 10
    for (const values of [[3, 3], [1, 1, 1], [3, 3], [5]]) {
      const { loss, gradNorm } = await trainer.step({ x: floats(values) }, {});
      const slope = values.reduce((a, b) => a + b, 0) + 10;
      expect(loss).toBeCloseTo(scale * slope, 4);
      expect(gradNorm).toBeCloseTo(slope, 4);
      scale -= 0.1 * slope;
      expect(model.attribute('scale').toArray()[0]).toBeCloseTo(scale, 4);
    }
  });

  it.each([
    ['SGD', () => new SGD({ lr: 0.1, momentum: 0.9 })],
    ['AdamW', () => new AdamW({ lr: 0.1 })],
  ])('may be one number, with %s', async (_, optimizer) => {
    const model = exportModel(new Scaled(new Tensor('float32', Float32Array.of(2), [])).train(), {
      x: floats([3, 3]),
    });
    using trainer = new Trainer(model, { loss: ([y]) => F.sum(y, [0]), targets: {}, optimizer: optimizer() });
    await trainer.step({ x: floats([3, 3]) }, {});
    expect(model.attribute('scale').shape).toEqual([]);
    expect(Number(model.attribute('scale').data[0])).toBeLessThan(2);
  });

  it('that a graph names twice has the gradient of both', async () => {
    const model = exportModel(new Scaled(floats([2])).train(), { x: floats([3]) });
    // As exporters write tied weights: a node for each use.
    const { graph } = model;
    const [product] = graph.nodes.filter(({ op }) => op === 'call_function');
    const [first] = graph.nodes.filter(({ op }) => op === 'get_attr');
    const [second, sum] = graph.insertingAfter(product, () => {
      const again = graph.getAttr('scale');
      again.meta = { ...first.meta };
      const added = graph.callFunction('aten.add.Tensor', [product, again]);
      added.meta = { ...product.meta };
      return [again, added];
    });
    product.replaceAllUsesWith(sum, (user) => user !== sum);
    expect(second.users).toEqual([sum]);
    using trainer = new Trainer(model, {
      loss: ([y]) => F.sum(y, [0]),
      targets: {},
      optimizer: new SGD({ lr: 1 }),
      clipGradNorm: 1e6,
    });
    // d/ds (3 s + s) = 4
    expect((await trainer.step({ x: floats([3]) }, {})).gradNorm).toBeCloseTo(4, 5);
  });

  it('that an update would make infinite stays as it is', async () => {
    const model = exportModel(new Scaled(floats([1])).train(), { x: floats([3]) });
    const optimizer = new SGD({ lr: 1 });
    using trainer = new Trainer(model, { loss: ([y]) => F.sum(y, [0]), targets: {}, optimizer });
    optimizer.lr = 2e38;
    await expect(trainer.step({ x: floats([3]) }, {})).rejects.toThrow(
      'sum of all updated parameters is -Infinity in step 1; nothing was changed',
    );
    expect(model.attribute('scale').toArray()).toEqual([1]);
    optimizer.lr = 1e20;
    await trainer.step({ x: floats([3]) }, {});
    const huge = { x: floats([3e38]) };
    await expect(trainer.step(huge, {})).rejects.toThrow('The parameter scale has reached 30000');
    await expect(trainer.step({ x: floats([Number.NaN]) }, {})).rejects.toThrow("'x' holds NaN or infinite");
  });
});

it('a rate whose steps leave float32 is refused', async () => {
  const model = exportModel(new Perceptron().train(), { x });
  const optimizer = new AdamW({ lr: 3e38 });
  using trainer = new Trainer(model, { loss: ([y]) => F.mseLoss(y, y), targets: {}, optimizer });
  await expect(trainer.step({ x }, {})).rejects.toThrow('learning rate is 3e+38');
  expect(trainer.steps).toBe(0);
});

describe('a loss', () => {
  it.each(['bfloat16', 'float16'] as const)(
    'of %s is reported as a number, and refused as NaN',
    async (dtype) => {
      const model = exportModel(new Scaled(floats([0.75])).train(), { x: floats([1, 2]) });
      using trainer = new Trainer(model, {
        loss: ([y]) => F.to(F.sum(y, [0]), dtype),
        targets: {},
        optimizer: new SGD({ lr: 0.25 }),
      });
      expect((await trainer.step({ x: floats([1, 2]) }, {})).loss).toBe(2.25);
      await expect(trainer.step({ x: floats([1, Number.NaN]) }, {})).rejects.toThrow('the loss is NaN');
    },
  );

  it('that is no float is refused', () => {
    const model = exportModel(new Perceptron().train(), { x });
    const make = () =>
      new Trainer(model, {
        loss: (_, { labels: wanted }) => F.sum(wanted, [0]),
        targets,
        optimizer: new SGD({ lr: 1 }),
      });
    expect(make).toThrow('the loss must be a float, got int64');
  });
});

describe('a batch of another size', () => {
  const trainer = (wanted: readonly number[]) =>
    new Trainer(exportModel(new Perceptron().train(), { x }, anyBatch), {
      loss: ([y], { wanted: to }) => F.mseLoss(y, to),
      shapes: { x: [6, 4] },
      targets: { wanted: { dtype: 'float32', shape: wanted } },
      optimizer: new SGD({ lr: 0.1 }),
    });

  it('has targets of its size', async () => {
    using each = trainer([6, 3]);
    const five = { x: uniform([5, 4], -1, 1, 1) };
    await each.step(five, { wanted: uniform([5, 3], -1, 1, 1) });
    // Each of these could be broadcast.
    for (const shape of [
      [1, 3],
      [6, 3],
      [5, 1],
    ])
      await expect(each.step(five, { wanted: uniform(shape, -1, 1, 1) })).rejects.toThrow(
        "'wanted' must be float32[5, 3]",
      );
  });

  it('is refused after the trainer was disposed', async () => {
    const each = trainer([6, 3]);
    each[Symbol.dispose]();
    await expect(each.step({ x }, { wanted: uniform([6, 3], -1, 1, 1) })).rejects.toThrow('is disposed');
  });
});

it('statistics that are frozen between steps leave the loss its parameters', async () => {
  class Normed extends nn.Module {
    readonly scale = new nn.Parameter(floats([2]));
    readonly norm = new nn.BatchNorm1d(4);
    override forward(input: nn.Value): nn.Value {
      return F.mul(this.norm.call(input), this.scale.tensor);
    }
  }
  const module = new Normed();
  const model = exportModel(module.train(), { x });
  using trainer = new Trainer(model, {
    loss: ([y]) => F.add(F.mseLoss(y, y), F.sum(F.mul(module.scale.tensor, 10), [0])),
    targets: {},
    optimizer: new SGD({ lr: 0.1 }),
    frozen: (path) => path.startsWith('norm'),
  });
  expect((await trainer.step({ x }, {})).loss).toBeCloseTo(20, 5);
  freezeBatchNormStats(model);
  expect((await trainer.step({ x }, {})).loss).toBeCloseTo(10, 5);
});

describe('options', () => {
  const made = (options: object) => () =>
    new Trainer(exportModel(new Perceptron().train(), { x }), {
      loss: ([y], { labels: wanted }: Readonly<Record<string, nn.Value>>) => F.crossEntropy(y, wanted),
      targets,
      optimizer: new SGD({ lr: 1 }),
      ...options,
    } as TrainerOptions);

  it.each<[string, object, string]>([
    ['no loss', { loss: undefined }, 'loss must be a function'],
    ['a loss of nothing', { loss: () => null }, 'the loss must be a value of nn.functional'],
    ['no targets', { targets: undefined }, 'targets must say what the loss reads'],
    ['a target of nothing', { targets: { labels: undefined } }, "the target 'labels' must be like"],
    [
      'a dtype of none',
      { targets: { labels: { dtype: 'foo', shape: [6] } } },
      "the target 'labels' must be like",
    ],
    [
      'half a size',
      { targets: { labels: { dtype: 'int64', shape: [0.5] } } },
      "the target 'labels' must be like",
    ],
    ['a shape that is none', { shapes: { x: 3 } }, "the shape of 'x' must be a list of sizes, got 3"],
    ['one frozen path', { frozen: 'first.weight' }, 'frozen must be a list of paths'],
  ])('have no %s', (_, options, message) => {
    expect(made(options)).toThrow(message);
  });

  it('a state that is none is refused', () => {
    using trainer = made({})();
    const state = trainer.stateDict();
    for (const wrong of [null, {}, new Map<string, unknown>([...state, ['steps', 3]])])
      expect(() => trainer.loadStateDict(wrong as never)).toThrow('expected a Map of tensors');
    const backwards = new Map([...state, ['steps', Tensor.from('int64', [-1])]]);
    expect(() => trainer.loadStateDict(backwards)).toThrow('steps is -1');
  });
});
