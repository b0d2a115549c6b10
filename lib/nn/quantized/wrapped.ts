import type * as activation from '../activation.ts';
import { deepcopy } from '../deepcopy.ts';
import type { Value } from '../dispatcher.ts';
import type * as fused from '../intrinsic/index.ts';
import { type Buffer, Module } from '../module.ts';
import type * as normalization from '../normalization.ts';
import { outputQparams } from './from-float.ts';
import { outputOf, type QuantizedOutput, qparamsOf } from './output.ts';
import { dequantized, type QuantizedActivation, quantize } from './value.ts';

/** A module of real numbers between quantized values, whose result has a scale of its own. */
abstract class Wrapped<M extends Module> extends Module implements QuantizedOutput {
  readonly scale: Buffer;
  readonly zero_point: Buffer;
  readonly dtype: QuantizedActivation;
  /** The module that computes. */
  readonly module: M;

  constructor(module: M) {
    super();
    const { scale, zero_point, dtype } = outputOf(outputQparams(module));
    this.scale = scale;
    this.zero_point = zero_point;
    this.dtype = dtype;
    this.module = deepcopy(module);
    delete this.module.qconfig;
    delete this.module.activationPostProcess;
  }

  /** @throws Error when the input is not quantized. */
  forward(x: Value): Value {
    const module: Module = this.module;
    return quantize(module.call(dequantized(x, this.type)) as Value, qparamsOf(this));
  }
}

/** Counterpart: `torch.ao.nn.quantized.Hardswish`. */
export class Hardswish extends Wrapped<activation.Hardswish> {
  /** @throws Error without an observer that has seen what the module returns. */
  static fromFloat(module: activation.Hardswish): Hardswish {
    return new Hardswish(module);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.activation.Hardswish';
  }
}

/** Counterpart: `torch.ao.nn.quantized.LeakyReLU`. */
export class LeakyReLU extends Wrapped<activation.LeakyReLU> {
  /** @throws Error without an observer that has seen what the module returns. */
  static fromFloat(module: activation.LeakyReLU): LeakyReLU {
    return new LeakyReLU(module);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.activation.LeakyReLU';
  }
}

/** Counterpart: `torch.ao.nn.quantized.LayerNorm`. */
export class LayerNorm extends Wrapped<normalization.LayerNorm> {
  /** @throws Error without an observer that has seen what the module returns. */
  static fromFloat(module: normalization.LayerNorm): LayerNorm {
    return new LayerNorm(module);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.normalization.LayerNorm';
  }
}

/** Counterpart: `torch.ao.nn.quantized.BatchNorm2d`. */
export class BatchNorm2d extends Wrapped<normalization.BatchNorm2d> {
  /** @throws Error without an observer that has seen what the module returns. */
  static fromFloat(module: normalization.BatchNorm2d): BatchNorm2d {
    return new BatchNorm2d(module);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.batchnorm.BatchNorm2d';
  }
}

/** Counterpart: `torch.ao.nn.intrinsic.quantized.BNReLU2d`. */
export class BNReLU2d extends Wrapped<fused.BNReLU2d> {
  /** @throws Error without an observer that has seen what the module returns. */
  static fromFloat(module: fused.BNReLU2d): BNReLU2d {
    return new BNReLU2d(module);
  }

  override get type(): string {
    return 'torch.ao.nn.intrinsic.quantized.modules.bn_relu.BNReLU2d';
  }
}
