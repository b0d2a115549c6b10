import { exportModel, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';

/** Elements of the parameter: enough that most of the time of saving them is writing. */
export const counters = 1_000_000;

class Counter extends nn.Module {
  readonly count = new nn.Parameter(Tensor.zeros('float32', [counters]));

  override forward(x: nn.Value): nn.Value {
    return nn.functional.mul(x, this.count.tensor);
  }
}

/** A trainer each of whose parameters is the number of steps, times minus one. */
export function countingTrainer(): Trainer {
  const x = { dtype: 'float32', shape: [1] } as const;
  return new Trainer(exportModel(new Counter().train(), { x }), {
    loss: ([y]) => nn.functional.sum(y, [0]),
    targets: {},
    optimizer: new SGD({ lr: 1 }),
    threads: 1,
  });
}

export const one = Tensor.from('float32', [1]);
