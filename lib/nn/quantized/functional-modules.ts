import { integerRange, roundHalfToEven } from '../../tensor/index.ts';
import { callModule, type Value, within } from '../dispatcher.ts';
import { add, cat, matmul, mul, relu } from '../functional/index.ts';
import { type Buffer, Module } from '../module.ts';
import { outputQparams } from './from-float.ts';
import { outputOf, type QuantizedOutput, qparamsOf } from './output.ts';
import { dequantized, type Qparams, type QuantizedActivation, QuantizedValue, quantize } from './value.ts';

/**
 * Functions of several values in the place of operators, so that what they return can be observed (counterpart:
 * `torch.ao.nn.quantized.FloatFunctional`). Each place of the model needs its own.
 *
 *     this.skip = new nn.quantized.FloatFunctional();
 *     …
 *     return this.skip.add(x, this.body.call(x));
 */
export class FloatFunctional extends Module {
  override get type(): string {
    return 'torch.ao.nn.quantized.modules.functional_modules.FloatFunctional';
  }

  /** @throws always: it has several functions. */
  forward(): never {
    throw new Error('FloatFunctional cannot be called; call one of its functions, such as add');
  }

  /** `x + y` */
  add(x: Value, y: Value): Value {
    return this.observed(() => add(x, y));
  }

  /** `x * y` */
  mul(x: Value, y: Value): Value {
    return this.observed(() => mul(x, y));
  }

  /** Values behind each other along an axis. */
  cat(values: readonly Value[], axis = 0): Value {
    return this.observed(() => cat(values, axis));
  }

  /** `max(x + y, 0)` */
  addRelu(x: Value, y: Value): Value {
    return this.observed(() => relu(add(x, y)));
  }

  /** The matrix product over the last two dimensions. */
  matmul(x: Value, y: Value): Value {
    return this.observed(() => matmul(x, y));
  }

  /** `x + y`, which is not observed: quantized, it only moves the zero point. */
  addScalar(x: Value, y: number): Value {
    return within(this, () => add(x, y));
  }

  /** `x * y`, which is not observed: quantized, it only changes the scale. */
  mulScalar(x: Value, y: number): Value {
    return within(this, () => mul(x, y));
  }

  private observed(compute: () => Value): Value {
    return within(this, () => {
      const result = compute();
      return this.activationPostProcess ? callModule(this.activationPostProcess, result) : result;
    });
  }
}

/** What a {@link FloatFunctional} becomes (counterpart: `torch.ao.nn.quantized.QFunctional`). All values are quantized. */
export class QFunctional extends Module implements QuantizedOutput {
  /** Of what the observed functions return; 1 where none was called before `convert`, as in PyTorch. */
  readonly scale: Buffer;
  readonly zero_point: Buffer;
  readonly dtype: QuantizedActivation;
  /** Whether an observed function was called before `convert`. */
  readonly isCalibrated: boolean;

  constructor(output: Qparams | null) {
    super();
    const { scale, zero_point, dtype } = outputOf(output ?? { scale: 1, zeroPoint: 0, dtype: 'uint8' });
    this.scale = scale;
    this.zero_point = zero_point;
    this.dtype = dtype;
    this.isCalibrated = output !== null;
  }

  /** @throws Error for an observer of other dtypes than 8-bit integers. */
  static fromFloat(module: FloatFunctional): QFunctional {
    return new QFunctional(module.activationPostProcess?.hasObserved ? outputQparams(module) : null);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.modules.functional_modules.QFunctional';
  }

  /** @throws always: it has several functions. */
  forward(): never {
    throw new Error('QFunctional cannot be called; call one of its functions, such as add');
  }

  /** `x + y` */
  add(x: Value, y: Value): Value {
    return this.rounded([x, y], ([a, b]) => add(a, b));
  }

  /** `x * y` */
  mul(x: Value, y: Value): Value {
    return this.rounded([x, y], ([a, b]) => mul(a, b));
  }

  /** Values behind each other along an axis. */
  cat(values: readonly Value[], axis = 0): Value {
    return this.rounded(values, (reals) => cat(reals, axis));
  }

  /** `max(x + y, 0)` */
  addRelu(x: Value, y: Value): Value {
    return this.rounded([x, y], ([a, b]) => relu(add(a, b)));
  }

  /** The matrix product over the last two dimensions. */
  matmul(x: Value, y: Value): Value {
    return this.rounded([x, y], ([a, b]) => matmul(a, b));
  }

  /** `x + y`, with `y` rounded to a multiple of the scale. */
  addScalar(x: Value, y: number): Value {
    return within(this, () => {
      const value = quantizedValue(x, this.type);
      const steps = roundHalfToEven(y / value.scale);
      return quantize(add(value.dequantize(), Math.fround(steps * value.scale)), sumWith(value, steps));
    });
  }

  /** `x * y` */
  mulScalar(x: Value, y: number): Value {
    return within(this, () => {
      const value = quantizedValue(x, this.type);
      return quantize(mul(value.dequantize(), y), productWith(value, y));
    });
  }

  private rounded(values: readonly Value[], compute: (reals: readonly Value[]) => Value): Value {
    if (!this.isCalibrated)
      throw new Error(
        `${this.type}: this function was not called while the model was calibrated: its result has no scale`,
      );
    return within(this, () =>
      quantize(compute(values.map((value) => dequantized(value, this.type))), qparamsOf(this)),
    );
  }
}

function quantizedValue(x: Value, type: string): QuantizedValue {
  if (x instanceof QuantizedValue) return x;
  throw new Error(`${type}: the input is not quantized: let it go through a QuantStub first`);
}

/** The zero point moves, as far as the dtype lets it; the scale grows with what is left (`_add_scalar_out`). */
function sumWith({ scale, zeroPoint, dtype }: QuantizedValue, steps: number): Qparams {
  const { min, max } = integerRange(dtype);
  const moved = zeroPoint - steps;
  if (moved < min) return { scale: (Math.fround(max - moved) / (max - min)) * scale, zeroPoint: min, dtype };
  if (moved > max) return { scale: (Math.fround(moved - min) / (max - min)) * scale, zeroPoint: max, dtype };
  return { scale, zeroPoint: moved, dtype };
}

/** The scale is multiplied; a negative factor turns the integers around (`_mul_scalar_out`). */
function productWith({ scale, zeroPoint, dtype }: QuantizedValue, factor: number): Qparams {
  const { min, max } = integerRange(dtype);
  if (factor === 0) return { scale: 1, zeroPoint: 0, dtype };
  const turned = factor < 0 ? max - (zeroPoint - min) : zeroPoint;
  return { scale: Math.abs(factor) * scale, zeroPoint: turned, dtype };
}
