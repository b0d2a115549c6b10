import { DEQUANTIZE_PER_TENSOR, QUANTIZE_PER_TENSOR } from '../../aten/index.ts';
import { type DType, integerRange } from '../../tensor/index.ts';
import {
  callOperator,
  callOperatorForMany,
  type OperatorArgument,
  type OperatorCall,
  type Value,
  type ValueWithOperators,
} from '../dispatcher.ts';

/** How real numbers become integers: `real = (integer - zeroPoint) * scale`. */
export interface Qparams {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly dtype: QuantizedActivation;
}

/** Dtypes of quantized values. */
export type QuantizedActivation = 'uint8' | 'int8';

/** Operators that move elements or choose among them: the integers go through as they are. */
const moving: ReadonlySet<string> = new Set([
  'aten.chunk.default',
  'aten.flatten.using_ints',
  'aten.max_pool2d.default',
  'aten.permute.default',
  'aten.reshape.default',
  'aten.select.int',
  'aten.squeeze.dim',
  'aten.transpose.int',
  'aten.unsqueeze.default',
  'aten.view.default',
]);

/** Operators whose results PyTorch quantizes with the parameters of their input. */
const keeping: ReadonlySet<string> = new Set([
  'aten.adaptive_avg_pool2d.default',
  'aten.avg_pool2d.default',
  'aten.clamp.default',
  'aten.gelu.default',
  'aten.hardtanh.default',
  'aten.leaky_relu.default',
  'aten.mean.dim',
  'aten.pad.default',
  'aten.relu.default',
  'aten.relu6.default',
]);

/** Operators whose results have a range that is known in advance, and whether it has negative numbers. */
const fixed: ReadonlyMap<string, { readonly scale: number; readonly isSigned: boolean }> = new Map([
  ['aten.sigmoid.default', { scale: 1 / 256, isSigned: false }],
  ['aten.hardsigmoid.default', { scale: 1 / 256, isSigned: false }],
  ['aten.tanh.default', { scale: 2 / 256, isSigned: true }],
]);

/**
 * A tensor of integers that stand for real numbers (counterpart: a quantized `torch.Tensor`). What operators make of it is what PyTorch's
 * kernels for quantized tensors do. In graphs every operator reads the dequantized value, and what it returns is quantized again: the form
 * that `lower` turns into arithmetic on integers.
 */
export class QuantizedValue implements ValueWithOperators {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly dtype: QuantizedActivation;
  #integers: Value;

  constructor(integers: Value, { scale, zeroPoint, dtype }: Qparams) {
    this.#integers = integers;
    this.scale = scale;
    this.zeroPoint = zeroPoint;
    this.dtype = dtype;
  }

  get shape(): Value['shape'] {
    return this.#integers.shape;
  }

  /** The integers (`Tensor.int_repr`). */
  get integers(): Value {
    return this.#integers;
  }

  /** The real numbers that the integers stand for (`Tensor.dequantize`). */
  dequantize(): Value {
    const args = [this.#integers, ...affineArguments(this)];
    return callOperator({ target: DEQUANTIZE_PER_TENSOR, args, source: 'dequantize' });
  }

  /** @throws Error for operators that PyTorch has no kernel of for quantized tensors either. */
  callOperator(call: OperatorCall): Value | readonly Value[] {
    const { name, inplace } = functional(call.target);
    const result = this.#apply({ ...call, target: name });
    // Whoever holds the value that was overwritten reads the new one.
    if (inplace && result instanceof QuantizedValue) {
      this.#integers = result.integers;
      return this;
    }
    return result;
  }

  #apply(call: OperatorCall): Value | readonly Value[] {
    const { target, args } = call;
    const isFirst = args[0] === this;
    if (target === 'aten.cat.default') return concatenated(call);
    if (target === 'aten.dropout.default' && isFirst && args[2] === false) return this;
    if (isFirst && moving.has(target)) {
      const on = { ...call, args: [this.#integers, ...args.slice(1)] };
      const results = target === 'aten.chunk.default' ? callOperatorForMany(on) : callOperator(on);
      return Array.isArray(results)
        ? results.map((result: Value) => new QuantizedValue(result, this))
        : new QuantizedValue(results as Value, this);
    }
    const qparams = isFirst ? this.#resultOf(target) : undefined;
    if (!qparams)
      throw new Error(
        `${target} cannot be computed on quantized values: dequantize them first (DeQuantStub)` +
          `${/\.(add|mul|matmul)\./.test(target) ? ', or call it on a FloatFunctional' : ''}`,
      );
    return quantize(callOperator({ ...call, args: [this.dequantize(), ...args.slice(1)] }), qparams);
  }

  #resultOf(target: string): Qparams | undefined {
    if (keeping.has(target)) return this;
    const range = fixed.get(target);
    if (!range) return undefined;
    const { min, max } = integerRange(this.dtype);
    return { scale: range.scale, zeroPoint: range.isSigned ? (min + max + 1) / 2 : min, dtype: this.dtype };
  }
}

/** The rounded numbers as integers (counterpart: `torch.quantize_per_tensor`). */
export function quantize(x: Value, qparams: Qparams): QuantizedValue {
  const args = [x, ...affineArguments(qparams)];
  const source = 'torch.quantize_per_tensor';
  return new QuantizedValue(callOperator({ target: QUANTIZE_PER_TENSOR, args, source }), qparams);
}

/**
 * The real numbers of a module's input.
 * @throws Error when the input is not quantized.
 */
export function dequantized(x: Value, type: string): Value {
  if (x instanceof QuantizedValue) return x.dequantize();
  throw new Error(`${type}: the input is not quantized: let it go through a QuantStub first`);
}

/** PyTorch gives the result the parameters of the first value. */
function concatenated(call: OperatorCall): Value {
  const [given, ...rest] = call.args as readonly [readonly Value[], ...OperatorArgument[]];
  const values = given.filter((value) => value instanceof QuantizedValue);
  const [first] = values;
  if (values.length < given.length)
    throw new Error('aten.cat.default: some of the values are quantized, and others are not');
  const isAlike = values.every(
    ({ scale, zeroPoint, dtype }) =>
      scale === first.scale && zeroPoint === first.zeroPoint && dtype === first.dtype,
  );
  if (isAlike)
    return new QuantizedValue(
      callOperator({ ...call, args: [values.map(({ integers }) => integers), ...rest] }),
      first,
    );
  return quantize(
    callOperator({ ...call, args: [values.map((value) => value.dequantize()), ...rest] }),
    first,
  );
}

/** The operator that returns what an in-place operator writes: `aten.relu.default` for `aten.relu_.default`. */
function functional(target: string): { readonly name: string; readonly inplace: boolean } {
  const name = target.replace(/_(?=\.\w+$)/, '');
  return { name, inplace: name !== target };
}

/** All of the dtype's integers are used, also where an observer had a narrower range: PyTorch clamps to no other. */
function affineArguments({ scale, zeroPoint, dtype }: Qparams): readonly (number | DType)[] {
  const { min, max } = integerRange(dtype);
  return [scale, zeroPoint, min, max, dtype];
}
