import type { Value } from './dispatcher.ts';
import * as F from './functional/index.ts';
import { Module } from './module.ts';

/** An activation that may overwrite its input. Its in-place operator's name ends in an underscore. */
abstract class InPlaceActivation extends Module {
  readonly inplace: boolean;

  constructor({ inplace = false }: F.InPlace = {}) {
    super();
    this.inplace = inplace;
  }
}

/** max(x, 0) (counterpart: `torch.nn.ReLU`). */
export class ReLU extends InPlaceActivation {
  override get type(): string {
    return 'torch.nn.modules.activation.ReLU';
  }

  forward(x: Value): Value {
    return F.relu(x, this);
  }
}

/** x limited to [min, max] (counterpart: `torch.nn.Hardtanh`). */
export class Hardtanh extends InPlaceActivation {
  readonly min: number;
  readonly max: number;

  constructor(min = -1, max = 1, options: F.InPlace = {}) {
    super(options);
    if (!(min < max)) throw new Error(`Hardtanh: min ${min} must be below max ${max}`);
    this.min = min;
    this.max = max;
  }

  override get type(): string {
    return 'torch.nn.modules.activation.Hardtanh';
  }

  forward(x: Value): Value {
    return F.hardtanh(x, this.min, this.max, this);
  }
}

/** x limited to [0, 6] (counterpart: `torch.nn.ReLU6`). */
export class ReLU6 extends Hardtanh {
  constructor(options: F.InPlace = {}) {
    super(0, 6, options);
  }

  override get type(): string {
    return 'torch.nn.modules.activation.ReLU6';
  }
}

/** x * relu6(x + 3) / 6 (counterpart: `torch.nn.Hardswish`). */
export class Hardswish extends InPlaceActivation {
  override get type(): string {
    return 'torch.nn.modules.activation.Hardswish';
  }

  forward(x: Value): Value {
    return F.hardswish(x, this);
  }
}

/** relu6(x + 3) / 6 (counterpart: `torch.nn.Hardsigmoid`). */
export class Hardsigmoid extends InPlaceActivation {
  override get type(): string {
    return 'torch.nn.modules.activation.Hardsigmoid';
  }

  forward(x: Value): Value {
    return F.hardsigmoid(x, this);
  }
}

/** x * sigmoid(x) (counterpart: `torch.nn.SiLU`). */
export class SiLU extends InPlaceActivation {
  override get type(): string {
    return 'torch.nn.modules.activation.SiLU';
  }

  forward(x: Value): Value {
    return F.silu(x, this);
  }
}

/** x where positive, else negativeSlope * x (counterpart: `torch.nn.LeakyReLU`). */
export class LeakyReLU extends InPlaceActivation {
  readonly negativeSlope: number;

  constructor(negativeSlope = 0.01, options: F.InPlace = {}) {
    super(options);
    this.negativeSlope = negativeSlope;
  }

  override get type(): string {
    return 'torch.nn.modules.activation.LeakyReLU';
  }

  forward(x: Value): Value {
    return F.leakyRelu(x, this.negativeSlope, this);
  }
}

/** The Gaussian error linear unit (counterpart: `torch.nn.GELU`). */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor({ approximate = 'none' }: { readonly approximate?: 'none' | 'tanh' } = {}) {
    super();
    this.approximate = approximate;
  }

  override get type(): string {
    return 'torch.nn.modules.activation.GELU';
  }

  forward(x: Value): Value {
    return F.gelu(x, this.approximate);
  }
}

/** 1 / (1 + exp(-x)) (counterpart: `torch.nn.Sigmoid`). */
export class Sigmoid extends Module {
  override get type(): string {
    return 'torch.nn.modules.activation.Sigmoid';
  }

  forward(x: Value): Value {
    return F.sigmoid(x);
  }
}

/** tanh(x) (counterpart: `torch.nn.Tanh`). */
export class Tanh extends Module {
  override get type(): string {
    return 'torch.nn.modules.activation.Tanh';
  }

  forward(x: Value): Value {
    return F.tanh(x);
  }
}

/** exp(x) over its sum along an axis (counterpart: `torch.nn.Softmax`). */
export class Softmax extends Module {
  readonly axis: number;

  constructor(axis: number) {
    super();
    this.axis = axis;
  }

  override get type(): string {
    return 'torch.nn.modules.activation.Softmax';
  }

  forward(x: Value): Value {
    return F.softmax(x, this.axis);
  }
}
