import type { Value } from '../dispatcher.ts';
import { type ConvOptions, conv1d, conv2d, type Pair, relu } from '../functional/index.ts';
import * as fused from '../intrinsic/index.ts';
import { type LayerOwner, type LayerParts, layerParts } from './from-float.ts';
import { QuantizedLayer } from './layer.ts';

/** A convolution, of a module that is trained or not. */
export interface ConvOwner<Size> extends LayerOwner {
  readonly options: ConvOptions<Size>;
}

type Parts<Size> = readonly [...LayerParts, ConvOptions<Size>];

/** Quantized values go through a convolution of real numbers, which has the rounded weight. */
abstract class Convolution<Size> extends QuantizedLayer {
  readonly options: ConvOptions<Size>;

  constructor(...[weight, bias, output, options]: Parts<Size>) {
    super(weight, bias, output);
    this.options = options;
  }
}

abstract class Convolution1d extends Convolution<number> {
  protected override layer(x: Value): Value {
    return conv1d(x, this.realWeight, this.bias?.tensor ?? null, this.options);
  }
}

abstract class Convolution2d extends Convolution<Pair> {
  protected override layer(x: Value): Value {
    return conv2d(x, this.realWeight, this.bias?.tensor ?? null, this.options);
  }
}

/** A quantized convolution over [n, channels, length] (counterpart: `torch.ao.nn.quantized.Conv1d`). */
export class Conv1d extends Convolution1d {
  /** @throws Error without a `qconfig`, or an observer that has seen what the module returns. */
  static fromFloat(module: ConvOwner<number>): Conv1d {
    return new Conv1d(...layerParts(module, module), module.options);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.conv.Conv1d';
  }
}

/** {@link Conv1d} and a ReLU, with one rounding (counterpart: `torch.ao.nn.intrinsic.quantized.ConvReLU1d`). */
export class ConvReLU1d extends Convolution1d {
  /** @throws Error as {@link Conv1d.fromFloat} does. */
  static fromFloat(module: fused.ConvReLU1d | ConvOwner<number>): ConvReLU1d {
    const conv = module instanceof fused.ConvReLU1d ? module.parts[0] : module;
    return new ConvReLU1d(...layerParts(conv, module), conv.options);
  }

  override get type(): string {
    return 'torch.ao.nn.intrinsic.quantized.modules.conv_relu.ConvReLU1d';
  }

  protected override layer(x: Value): Value {
    return relu(super.layer(x));
  }
}

/** A quantized convolution over [n, channels, height, width] (counterpart: `torch.ao.nn.quantized.Conv2d`). */
export class Conv2d extends Convolution2d {
  /** @throws Error without a `qconfig`, or an observer that has seen what the module returns. */
  static fromFloat(module: ConvOwner<Pair>): Conv2d {
    return new Conv2d(...layerParts(module, module), module.options);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.conv.Conv2d';
  }
}

/** {@link Conv2d} and a ReLU, with one rounding (counterpart: `torch.ao.nn.intrinsic.quantized.ConvReLU2d`). */
export class ConvReLU2d extends Convolution2d {
  /** @throws Error as {@link Conv2d.fromFloat} does. */
  static fromFloat(module: fused.ConvReLU2d | ConvOwner<Pair>): ConvReLU2d {
    const conv = module instanceof fused.ConvReLU2d ? module.parts[0] : module;
    return new ConvReLU2d(...layerParts(conv, module), conv.options);
  }

  override get type(): string {
    return 'torch.ao.nn.intrinsic.quantized.modules.conv_relu.ConvReLU2d';
  }

  protected override layer(x: Value): Value {
    return relu(super.layer(x));
  }
}
