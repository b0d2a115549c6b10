import { DEQUANTIZE_PER_CHANNEL, DEQUANTIZE_PER_TENSOR } from '../../aten/index.ts';
import { integerRange, type Tensor } from '../../tensor/index.ts';
import { callOperator, type Value } from '../dispatcher.ts';
import { Buffer, Module } from '../module.ts';
import type { QuantizedWeight } from './from-float.ts';
import { outputOf, type QuantizedOutput, qparamsOf } from './output.ts';
import { dequantized, type Qparams, type QuantizedActivation, quantize } from './value.ts';

/** A module with an int8 weight; its bias stays float32 (counterpart: `WeightedQuantizedModule`). */
export abstract class WeightedModule extends Module {
  readonly weight: Buffer;
  readonly weight_scale: Buffer;
  readonly weight_zero_point: Buffer;
  readonly bias: Buffer | null;
  /** The axis of channels that have their own parameters; null where all have the same. */
  readonly axis: number | null;

  constructor({ integers, scale, zeroPoint, axis }: QuantizedWeight, bias: Tensor | null) {
    super();
    this.weight = new Buffer(integers);
    this.weight_scale = new Buffer(scale);
    this.weight_zero_point = new Buffer(zeroPoint);
    this.bias = bias && new Buffer(bias);
    this.axis = axis;
  }

  /** The real numbers that the weight stands for. */
  protected get realWeight(): Value {
    const [weight, scale, zeroPoint] = [this.weight, this.weight_scale, this.weight_zero_point].map(
      ({ tensor }) => tensor,
    );
    const { min, max } = integerRange(weight.dtype as 'int8' | 'uint8');
    const range = [min, max, weight.dtype];
    return callOperator(
      this.axis === null
        ? {
            target: DEQUANTIZE_PER_TENSOR,
            args: [weight, Number(scale.item()), Number(zeroPoint.item()), ...range],
            source: 'dequantize',
          }
        : {
            target: DEQUANTIZE_PER_CHANNEL,
            args: [weight, scale, zeroPoint, this.axis, ...range],
            source: 'dequantize',
          },
    );
  }
}

/** A layer from quantized values to quantized values. */
export abstract class QuantizedLayer extends WeightedModule implements QuantizedOutput {
  readonly scale: Buffer;
  readonly zero_point: Buffer;
  readonly dtype: QuantizedActivation;

  constructor(weight: QuantizedWeight, bias: Tensor | null, output: Qparams) {
    super(weight, bias);
    const { scale, zero_point, dtype } = outputOf(output);
    this.scale = scale;
    this.zero_point = zero_point;
    this.dtype = dtype;
  }

  /** @throws Error when the input is not quantized. */
  forward(x: Value): Value {
    return quantize(this.layer(dequantized(x, this.type)), qparamsOf(this));
  }

  /** The layer on real numbers. */
  protected abstract layer(x: Value): Value;
}
