import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, Interpreter } from '../../lib/graph/index.ts';
import { compile, exportModel, lower, moveExportedModelToEval, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { uniform } from '../support/graph-builder.ts';

const F = nn.functional;

function mask(seed: number, number: number, size: readonly number[], p: number): number[] {
  const operator = operators.get('octavo.dropout_mask.default');
  const seeds = Tensor.from('int64', [seed]);
  const args = Arguments.bind<Tensor>(operator.schema, [seeds, number, size, p]);
  return (operator.execute(args) as Tensor).toArray() as number[];
}

class Network extends nn.Module {
  readonly first = new nn.Linear(4, 64);
  readonly drop = new nn.Dropout(0.4);
  readonly second = new nn.Linear(64, 3);

  override forward(x: nn.Value): nn.Value {
    return this.second.call(this.drop.call(F.relu(this.first.call(x))));
  }
}

const x = uniform([6, 4], -1, 1, 3);
const labels = Tensor.from('int64', [0, 1, 2, 0, 1, 2]);

async function losses(seed?: number): Promise<number[]> {
  nn.manualSeed(5);
  using trainer = new Trainer(exportModel(new Network().train(), { x }), {
    loss: ([logits], targets) => F.crossEntropy(logits, targets.labels),
    targets: { labels: { dtype: 'int64', shape: [6] } },
    optimizer: new SGD({ lr: 0 }),
    ...(seed === undefined ? {} : { seed }),
  });
  const found: number[] = [];
  for (let i = 0; i < 3; i++) found.push((await trainer.step({ x }, { labels })).loss);
  return found;
}

describe('a mask', () => {
  it.each([0.1, 0.5, 0.9])('drops that share of the elements, and enlarges the others: %f', (p) => {
    const size = [40, 1000];
    const values = mask(7, 0, size, p);
    const dropped = values.filter((value) => value === 0).length;
    // Four standard deviations of as many throws.
    expect(Math.abs(dropped / values.length - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / values.length));
    expect([...new Set(values)].sort()).toEqual([0, Math.fround(1 / (1 - p))]);
  });

  it('drops nothing or everything at the ends', () => {
    expect(new Set(mask(1, 0, [1000], 0))).toEqual(new Set([1]));
    expect(new Set(mask(1, 0, [1000], 1))).toEqual(new Set([0]));
  });

  it('follows from seed and number alone, and differs with either', () => {
    const one = mask(3, 2, [2, 32, 1000], 0.5);
    expect(mask(3, 2, [64, 1000], 0.5)).toEqual(one);
    for (const other of [mask(4, 2, [64_000], 0.5), mask(3, 3, [64_000], 0.5)]) {
      const equal = other.filter((value, i) => value === one[i]).length;
      expect(Math.abs(equal / one.length - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / one.length));
    }
  });
});

describe('dropout in training', () => {
  it('drops others in every step, the same for the same seed', async () => {
    const [first, again, other] = [await losses(), await losses(0), await losses(1)];
    expect(new Set(first).size).toBe(3);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('is not run where nothing is dropped', async () => {
    const training = exportModel(new Network().train(), { x });
    for (const run of [
      () => compile(training),
      () => lower(training),
      () => new Interpreter(training, operators).run([x]),
    ])
      expect(run).toThrow(/call eval\(\) before export/);
    using model = compile(lower(moveExportedModelToEval(training)).module);
    const [y] = Object.values(await model.run([x]));
    expect(y.shape).toEqual([6, 3]);
  });
});
