import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadPt2, moveExportedModelToTrain, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';

const fixture = (name: string) => new URL(`../fixtures/training/${name}`, import.meta.url).pathname;

interface Golden {
  readonly x: readonly number[];
  readonly labels: readonly number[];
  readonly losses: readonly number[];
  readonly trained: readonly string[];
  readonly state: Readonly<Record<string, readonly number[]>>;
}

/** What script/goldens/frozen_parameters.py has trained with PyTorch. */
const golden: Golden = JSON.parse(readFileSync(fixture('frozen_parameters.json'), 'utf8'));

describe('a .pt2 file whose batch norm is called twice, with parameters that have no requires_grad', () => {
  it('is trained as by PyTorch', async () => {
    const model = moveExportedModelToTrain(await loadPt2(fixture('frozen_parameters.pt2')));
    expect([...model.meta.parameters!]).toEqual(golden.trained);
    using trainer = new Trainer(model, {
      loss: ([logits], { labels }) => nn.functional.crossEntropy(logits, labels),
      targets: { labels: { dtype: 'int64', shape: [4] } },
      optimizer: new SGD({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 }),
    });
    const x = Tensor.from('float32', golden.x, [4, 2, 3, 3]);
    const labels = Tensor.from('int64', golden.labels);
    for (const wanted of golden.losses)
      expect((await trainer.step({ x }, { labels })).loss).toBeCloseTo(wanted, 5);
    for (const [path, wanted] of Object.entries(golden.state))
      model
        .attribute(path)
        .toArray()
        .forEach((value, i) => {
          // Sums of 36 float32 in another order, two steps long.
          expect(Number(value), path).toBeCloseTo(wanted[i], 5);
        });
  });

  it('keeps what has no requires_grad as it is', async () => {
    const { attributes, meta } = await loadPt2(fixture('frozen_parameters.pt2'));
    const kept = ['conv.weight', 'conv.bias', 'fc.bias'];
    for (const path of kept) {
      expect(meta.parameters!.has(path)).toBe(false);
      expect(attributes.get(path)!.toArray()).toEqual(golden.state[path]);
    }
  });
});
