import { exportModel, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { type Optimizer, Trainer } from '../../lib/training/index.ts';
import { uniform } from './graph-builder.ts';

const F = nn.functional;

/** A small network to train. */
export class Perceptron extends nn.Module {
  readonly first = new nn.Linear(4, 8);
  readonly second = new nn.Linear(8, 3);

  override forward(input: nn.Value): nn.Value {
    return this.second.call(F.relu(this.first.call(input)));
  }
}

export const targets = { labels: { dtype: 'int64', shape: [6] } } as const;
export const x = uniform([6, 4], -1, 1, 3);
export const labels = Tensor.from('int64', [0, 1, 2, 0, 1, 2]);

/** The network with the same first weights every time, and its trainer. */
export function trainerOf(optimizer: Optimizer) {
  nn.manualSeed(5);
  const model = exportModel(new Perceptron().train(), { x });
  const trainer = new Trainer(model, {
    loss: ([logits], { labels: wanted }) => F.crossEntropy(logits, wanted),
    targets,
    optimizer,
    threads: 1,
  });
  return { model, trainer };
}
