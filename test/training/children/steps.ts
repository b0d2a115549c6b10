// Trains with loader, transforms and schedule; prints the resident memory after each epoch of a hundred steps.

import { Tensor } from '../../../lib/tensor/index.ts';
import {
  CosineAnnealingLR,
  DataLoader,
  SGD,
  Trainer,
  train,
  transforms,
} from '../../../lib/training/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { loss, prepared, targets } from '../../support/training.ts';

const count = 600;
const source = {
  inputs: { x: uniform([count, 3, 8, 8], -1, 1, 7) },
  targets: {
    labels: Tensor.from(
      'int64',
      Array.from({ length: count }, (_, i) => i % 3),
    ),
  },
};
const optimizer = new SGD({ lr: 0.01, momentum: 0.9 });
const trainer = new Trainer(prepared(1), { loss, targets, optimizer, threads: 2 });
const epochs = 30;
const schedule = new CosineAnnealingLR(optimizer, { tMax: (epochs * count) / 6 });
const loader = new DataLoader(source, {
  batchSize: 6,
  shuffle: true,
  transforms: { x: [transforms.randomCrop(8, { padding: 1 }), transforms.randomHorizontalFlip()] },
});
const rounds: number[] = [];
for await (const { kind } of train(trainer, loader, { epochs, schedule }))
  if (kind === 'epoch') {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 5));
    rounds.push(process.memoryUsage.rss() / 2 ** 20);
  }
console.log(JSON.stringify(rounds));
