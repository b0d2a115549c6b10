import type { Value } from '../dispatcher.ts';
import { Module } from '../module.ts';
import { outputQparams } from './from-float.ts';
import { type Qparams, type QuantizedActivation, QuantizedValue, quantize } from './value.ts';

/** Rounds real numbers to integers: a QuantStub becomes one (counterpart: `torch.ao.nn.quantized.Quantize`). */
export class Quantize extends Module {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly dtype: QuantizedActivation;

  constructor({ scale, zeroPoint, dtype }: Qparams) {
    super();
    this.scale = scale;
    this.zeroPoint = zeroPoint;
    this.dtype = dtype;
  }

  /** @throws Error without an observer that has seen the input. */
  static fromFloat(module: Module): Quantize {
    return new Quantize(outputQparams(module));
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.Quantize';
  }

  forward(x: Value): QuantizedValue {
    return quantize(x, this);
  }
}

/** Returns the real numbers that integers stand for: a DeQuantStub becomes one (counterpart: `torch.ao.nn.quantized.DeQuantize`). */
export class DeQuantize extends Module {
  static fromFloat(): DeQuantize {
    return new DeQuantize();
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.DeQuantize';
  }

  /** Real numbers are returned as they are. */
  forward(x: Value): Value {
    return x instanceof QuantizedValue ? x.dequantize() : x;
  }
}
