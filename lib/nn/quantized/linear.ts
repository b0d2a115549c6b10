import type { Value } from '../dispatcher.ts';
import { linear, relu } from '../functional/index.ts';
import * as fused from '../intrinsic/index.ts';
import { type LayerOwner, layerParts } from './from-float.ts';
import { QuantizedLayer } from './layer.ts';

abstract class Product extends QuantizedLayer {
  protected override layer(x: Value): Value {
    return linear(x, this.realWeight, this.bias?.tensor ?? null);
  }
}

/** A quantized linear layer, x [..., in] to [..., out] (counterpart: `torch.ao.nn.quantized.Linear`). */
export class Linear extends Product {
  /** @throws Error without a `qconfig`, or an observer that has seen what the module returns. */
  static fromFloat(module: LayerOwner): Linear {
    return new Linear(...layerParts(module, module));
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.linear.Linear';
  }
}

/** {@link Linear} and a ReLU, with one rounding (counterpart: `torch.ao.nn.intrinsic.quantized.LinearReLU`). */
export class LinearReLU extends Product {
  /** @throws Error as {@link Linear.fromFloat} does. */
  static fromFloat(module: fused.LinearReLU | LayerOwner): LinearReLU {
    const layer = module instanceof fused.LinearReLU ? module.parts[0] : module;
    return new LinearReLU(...layerParts(layer, module));
  }

  override get type(): string {
    return 'torch.ao.nn.intrinsic.quantized.modules.linear_relu.LinearReLU';
  }

  protected override layer(x: Value): Value {
    return relu(super.layer(x));
  }
}
