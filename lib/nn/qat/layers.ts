import type * as float from '../conv.ts';
import { callModule, type Value } from '../dispatcher.ts';
import { type ConvOptions, conv2d, linear, type Pair, relu } from '../functional/index.ts';
import type * as fused from '../intrinsic/index.ts';
import type * as products from '../linear.ts';
import { type ActivationPostProcess, Module, type Parameter } from '../module.ts';
import { newFakeQuantize, type Trainable } from './trainable.ts';

/** A layer whose weight goes through a fake quantizer, while it is trained. */
abstract class Layer extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly weightFakeQuant: ActivationPostProcess;

  /** @param owner has the configuration: the layer itself, or the fused module that it begins. */
  constructor({ weight, bias }: Trainable, owner: Module) {
    super();
    this.weight = weight;
    this.bias = bias;
    this.weightFakeQuant = newFakeQuantize(owner);
    this.qconfig = owner.qconfig!;
  }

  protected get roundedWeight(): Value {
    return callModule(this.weightFakeQuant, this.weight.tensor);
  }
}

abstract class ImageLayer extends Layer {
  readonly options: ConvOptions<Pair>;

  constructor(conv: float.Conv2d, owner: Module) {
    super(conv, owner);
    this.options = conv.options;
  }

  forward(x: Value): Value {
    return conv2d(x, this.roundedWeight, this.bias?.tensor ?? null, this.options);
  }
}

abstract class Product extends Layer {
  forward(x: Value): Value {
    return linear(x, this.roundedWeight, this.bias?.tensor ?? null);
  }
}

/** Counterpart: `torch.ao.nn.qat.Conv2d`. */
export class Conv2d extends ImageLayer {
  /** @throws Error without a `qconfig`. */
  static fromFloat(module: float.Conv2d): Conv2d {
    return new Conv2d(module, module);
  }

  override get type(): string {
    return 'torch.ao.nn.qat.modules.conv.Conv2d';
  }
}

/** Counterpart: `torch.ao.nn.intrinsic.qat.ConvReLU2d`. */
export class ConvReLU2d extends ImageLayer {
  /** @throws Error without a `qconfig`. */
  static fromFloat(module: fused.ConvReLU2d): ConvReLU2d {
    return new ConvReLU2d(module.parts[0], module);
  }

  override get type(): string {
    return 'torch.ao.nn.intrinsic.qat.modules.conv_fused.ConvReLU2d';
  }

  override forward(x: Value): Value {
    return relu(super.forward(x));
  }
}

/** Counterpart: `torch.ao.nn.qat.Linear`. */
export class Linear extends Product {
  /** @throws Error without a `qconfig`. */
  static fromFloat(module: products.Linear): Linear {
    return new Linear(module, module);
  }

  override get type(): string {
    return 'torch.ao.nn.qat.modules.linear.Linear';
  }
}

/** Counterpart: `torch.ao.nn.intrinsic.qat.LinearReLU`. */
export class LinearReLU extends Product {
  /** @throws Error without a `qconfig`. */
  static fromFloat(module: fused.LinearReLU): LinearReLU {
    return new LinearReLU(module.parts[0], module);
  }

  override get type(): string {
    return 'torch.ao.nn.intrinsic.qat.modules.linear_relu.LinearReLU';
  }

  override forward(x: Value): Value {
    return relu(super.forward(x));
  }
}
