import {
  CHOOSE_QPARAMS,
  CONVERT_ELEMENT_TYPE,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
  QUANTIZE_PER_TENSOR_DYNAMIC,
} from '../../../aten/index.ts';
import { FLOAT32_EPSILON, saturateToFloat16, type Tensor } from '../../../tensor/index.ts';
import { callOperator, callOperatorForMany, type Value } from '../../dispatcher.ts';
import { linear, relu } from '../../functional/index.ts';
import type * as fused from '../../intrinsic/index.ts';
import type * as float from '../../linear.ts';
import { Module, Parameter } from '../../module.ts';
import { type Owner, quantizeWeight, weightObserver } from '../from-float.ts';
import { WeightedModule } from '../layer.ts';

/**
 * A linear layer of real numbers whose weight is int8, and whose input is rounded to 7 bits by its own range (counterpart:
 * `torch.ao.nn.quantized.dynamic.Linear`).
 */
export class Linear extends WeightedModule {
  /**
   * The layer; a {@link Float16Linear} where the `qconfig` has float16 weights.
   * @throws Error without a `qconfig`, or for other dtypes.
   */
  static fromFloat(module: float.Linear & Owner): Linear | Float16Linear {
    return linearOf(module, module);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.dynamic.modules.linear.Linear';
  }

  forward(x: Value): Value {
    return linear(roundedByItsRange(x), this.realWeight, this.bias?.tensor ?? null);
  }
}

/** A linear layer of float32 whose weight is float16: {@link Linear} with `float16DynamicQconfig`. */
export class Float16Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(weight: Tensor, bias: Tensor | null) {
    super();
    this.weight = new Parameter(weight);
    this.bias = bias && new Parameter(bias);
  }

  override get type(): string {
    return 'torch.ao.nn.quantized.dynamic.modules.linear.Linear';
  }

  forward(x: Value): Value {
    return linear(x, throughFloat16(this.weight.tensor), this.bias?.tensor ?? null);
  }
}

/** {@link Linear} and a ReLU (counterpart: `torch.ao.nn.intrinsic.quantized.dynamic.LinearReLU`). */
export class LinearReLU extends Module {
  readonly linear: Linear | Float16Linear;

  constructor(linear: Linear | Float16Linear) {
    super();
    this.linear = linear;
  }

  /** @throws Error as {@link Linear.fromFloat} does. */
  static fromFloat(module: fused.LinearReLU & Owner): LinearReLU {
    return new LinearReLU(linearOf(module.parts[0], module));
  }

  override get type(): string {
    return 'torch.ao.nn.intrinsic.quantized.dynamic.modules.linear_relu.LinearReLU';
  }

  forward(x: Value): Value {
    return relu(this.linear.call(x));
  }
}

function linearOf({ weight, bias }: float.Linear, owner: Owner): Linear | Float16Linear {
  const observer = weightObserver(owner);
  if (observer.dtype === 'float16')
    return new Float16Linear(saturateToFloat16(weight.tensor, owner.type), bias?.tensor ?? null);
  return new Linear(quantizeWeight(weight.tensor, observer, owner.type), bias?.tensor ?? null);
}

function roundedByItsRange(x: Value): Value {
  const range = [0, 127];
  const source = 'torch.ops.quantized.linear_dynamic';
  const [scale, zeroPoint] = callOperatorForMany({
    target: CHOOSE_QPARAMS,
    args: [x, ...range, FLOAT32_EPSILON, 'uint8'],
    source,
  });
  const rest = [scale, zeroPoint, ...range, 'uint8'];
  const integers = callOperator({ target: QUANTIZE_PER_TENSOR_DYNAMIC, args: [x, ...rest], source });
  return callOperator({ target: DEQUANTIZE_PER_TENSOR_DYNAMIC, args: [integers, ...rest], source });
}

/** Rounded to float16; `lower` keeps such a weight in 16 bits. */
function throughFloat16(weight: Value): Value {
  const to = (x: Value, dtype: string) =>
    callOperator({ target: CONVERT_ELEMENT_TYPE, args: [x, dtype], source: 'to' });
  return to(to(weight, 'float16'), 'float32');
}
