import type * as activation from '../activation.ts';
import type { Value } from '../dispatcher.ts';
import { relu6 } from '../functional/index.ts';
import { Module } from '../module.ts';

/** The scale of the result is that of the input (counterpart: `torch.ao.nn.quantized.ReLU6`). */
export class ReLU6 extends Module {
  static fromFloat(_: activation.ReLU6): ReLU6 {
    return new ReLU6();
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.activation.ReLU6';
  }

  forward(x: Value): Value {
    return relu6(x);
  }
}

/** Returns its input (counterpart: `torch.ao.nn.quantized.Dropout`). */
export class Dropout extends Module {
  static fromFloat(): Dropout {
    return new Dropout();
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.dropout.Dropout';
  }

  forward(x: Value): Value {
    return x;
  }
}
