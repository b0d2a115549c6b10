import { callModule, callOperator, type Value } from '../dispatcher.ts';
import {
  add,
  type ConvOptions,
  conv1d,
  conv2d,
  div,
  linear,
  mul,
  type Pair,
  relu,
  reshape,
} from '../functional/index.ts';
import type * as fused from '../intrinsic/index.ts';
import { type ActivationPostProcess, Module, type Parameter } from '../module.ts';
import type { BatchNorm1d, BatchNorm2d } from '../normalization.ts';
import { newFakeQuantize, type Trainable } from './trainable.ts';

/** A batch norm that is trained with the layer before it. */
export type BatchNorm = BatchNorm1d | BatchNorm2d;

/**
 * A layer that is trained with the batch norm after it (counterpart: `_ConvBnNd`). What is rounded is the weight that inference will have,
 * with the batch norm in it:
 *
 *     batch_norm(layer(x, fake_quantize(w s), 0) / s + b),   s = γ / sqrt(σ² + eps) of the running statistics
 */
export abstract class LayerWithBatchNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly bn: BatchNorm;
  readonly weightFakeQuant: ActivationPostProcess;

  /** @throws Error when γ is 0 in a channel: what the layer returns is divided by it. */
  constructor({ weight, bias }: Trainable, norm: BatchNorm, owner: Module) {
    super();
    this.weight = weight;
    this.bias = bias;
    this.bn = norm;
    this.weightFakeQuant = newFakeQuantize(owner);
    this.qconfig = owner.qconfig!;
    const channel = norm.weight.tensor.data.findIndex((gamma) => Number(gamma) === 0);
    if (channel >= 0)
      throw new Error(
        `${this.type}: the weight of the batch norm is 0 in channel ${channel}, and the layer's result is divided by it in training; ` +
          'set it to a small number: 1e-6',
      );
  }

  forward(x: Value): Value {
    const { weight, running_var, eps } = this.bn;
    const variance = add(running_var.tensor, eps);
    const deviation = callOperator({ target: 'aten.sqrt.default', args: [variance], source: 'torch.sqrt' });
    const factor = div(weight.tensor, deviation);
    const rank = this.weight.tensor.shape.length;
    const shaped = (axis: number) => Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1));
    const scaled = callModule(this.weightFakeQuant, mul(this.weight.tensor, reshape(factor, shaped(0))));
    const bias = this.bias?.tensor ?? null;
    const zero =
      bias && callOperator({ target: 'aten.zeros_like.default', args: [bias], source: 'torch.zeros_like' });
    const quotient = div(this.layer(x, scaled, zero), reshape(factor, shaped(1)));
    const original = bias ? add(quotient, reshape(bias, shaped(1))) : quotient;
    return this.bn.call(original);
  }

  /** The layer with these parameters. */
  protected abstract layer(x: Value, weight: Value, bias: Value | null): Value;
}

abstract class SignalLayer extends LayerWithBatchNorm {
  readonly options: ConvOptions<number>;

  constructor(module: fused.ConvBn1d | fused.ConvBnReLU1d) {
    const [conv, norm] = module.parts;
    super(conv, norm, module);
    this.options = conv.options;
  }

  protected override layer(x: Value, weight: Value, bias: Value | null): Value {
    return conv1d(x, weight, bias, this.options);
  }
}

abstract class ImageLayer extends LayerWithBatchNorm {
  readonly options: ConvOptions<Pair>;

  constructor(module: fused.ConvBn2d | fused.ConvBnReLU2d) {
    const [conv, norm] = module.parts;
    super(conv, norm, module);
    this.options = conv.options;
  }

  protected override layer(x: Value, weight: Value, bias: Value | null): Value {
    return conv2d(x, weight, bias, this.options);
  }
}

const module = (name: string) => `torch.ao.nn.intrinsic.qat.modules.${name}`;

/** Counterpart: `torch.ao.nn.intrinsic.qat.ConvBn1d`. */
export class ConvBn1d extends SignalLayer {
  /** @throws Error without a `qconfig`, or for a γ of 0. */
  static fromFloat(fused: fused.ConvBn1d): ConvBn1d {
    return new ConvBn1d(fused);
  }

  override get type(): string {
    return module('conv_fused.ConvBn1d');
  }
}

/** Counterpart: `torch.ao.nn.intrinsic.qat.ConvBnReLU1d`. */
export class ConvBnReLU1d extends SignalLayer {
  /** @throws Error without a `qconfig`, or for a γ of 0. */
  static fromFloat(fused: fused.ConvBnReLU1d): ConvBnReLU1d {
    return new ConvBnReLU1d(fused);
  }

  override get type(): string {
    return module('conv_fused.ConvBnReLU1d');
  }

  override forward(x: Value): Value {
    return relu(super.forward(x));
  }
}

/** Counterpart: `torch.ao.nn.intrinsic.qat.ConvBn2d`. */
export class ConvBn2d extends ImageLayer {
  /** @throws Error without a `qconfig`, or for a γ of 0. */
  static fromFloat(fused: fused.ConvBn2d): ConvBn2d {
    return new ConvBn2d(fused);
  }

  override get type(): string {
    return module('conv_fused.ConvBn2d');
  }
}

/** Counterpart: `torch.ao.nn.intrinsic.qat.ConvBnReLU2d`. */
export class ConvBnReLU2d extends ImageLayer {
  /** @throws Error without a `qconfig`, or for a γ of 0. */
  static fromFloat(fused: fused.ConvBnReLU2d): ConvBnReLU2d {
    return new ConvBnReLU2d(fused);
  }

  override get type(): string {
    return module('conv_fused.ConvBnReLU2d');
  }

  override forward(x: Value): Value {
    return relu(super.forward(x));
  }
}

/** Counterpart: `torch.ao.nn.intrinsic.qat.LinearBn1d`. */
export class LinearBn1d extends LayerWithBatchNorm {
  /** @throws Error without a `qconfig`, or for a γ of 0. */
  static fromFloat(fused: fused.LinearBn1d): LinearBn1d {
    const [layer, norm] = fused.parts;
    return new LinearBn1d(layer, norm, fused);
  }

  override get type(): string {
    return module('linear_fused.LinearBn1d');
  }

  protected override layer(x: Value, weight: Value, bias: Value | null): Value {
    return linear(x, weight, bias);
  }
}
