import type { Value } from '../dispatcher.ts';
import { type Buffer, Module } from '../module.ts';
import { outputQparams } from './from-float.ts';
import { outputOf, type QuantizedOutput, qparamsOf } from './output.ts';
import { type Qparams, type QuantizedActivation, QuantizedValue, quantize } from './value.ts';

/** Rounds real numbers to integers: a QuantStub becomes one (counterpart: `torch.ao.nn.quantized.Quantize`). */
export class Quantize extends Module implements QuantizedOutput {
  readonly scale: Buffer;
  readonly zero_point: Buffer;
  readonly dtype: QuantizedActivation;

  constructor(output: Qparams) {
    super();
    const { scale, zero_point, dtype } = outputOf(output, [1]);
    this.scale = scale;
    this.zero_point = zero_point;
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
    return quantize(x, qparamsOf(this));
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
