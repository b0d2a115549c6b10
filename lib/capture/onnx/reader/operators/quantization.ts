import {
  DEQUANTIZE_PER_CHANNEL,
  DEQUANTIZE_PER_TENSOR,
  QUANTIZE_PER_CHANNEL,
  QUANTIZE_PER_TENSOR,
} from '../../../../aten/index.ts';
import { type DType, Tensor } from '../../../../tensor/index.ts';
import { dtypeOfOnnx, onnxTypeName } from '../../dtype.ts';
import type { OnnxCall, OperatorTable } from '../call.ts';
import type { CallArgument } from '../graph-writer.ts';
import { isMadeOfInputs } from '../made-of-inputs.ts';
import { ComputedValue, ConstantValue, type OnnxValue } from '../values.ts';
import { dequantizeComputed, quantizeComputed, rangeOf } from './computed-parameters.ts';

/** Scale and zero point of a tensor, or of each channel. */
export interface Affine {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  /** Undefined where there is one scale for the whole tensor. */
  readonly axis: number | undefined;
}

/**
 * The parameters in two inputs.
 * @param axis of the channels, where there is more than one scale.
 */
export function affineOf(
  call: OnnxCall,
  x: OnnxValue,
  scale: number,
  zeroPoint: number,
  axis: number,
): Affine {
  const tensor = call.known(scale, 'the scale');
  if (tensor.shape.length > 1) throw new Error('blocks of several scales along an axis are not supported');
  const scales = call.numbers(scale, 'the scale');
  if (scales.some((each) => !(each > 0 && Number.isFinite(each))))
    throw new Error(
      `the scale must be above 0, got ${scales.find((each) => !(each > 0 && Number.isFinite(each)))}`,
    );
  const zeros = call.optional(zeroPoint) ? call.numbers(zeroPoint, 'the zero point') : [0];
  if (scales.length === 1) return { scales, zeroPoints: [zeros[0]], axis: undefined };
  const along = call.axis(axis, x.shape.length);
  if (x.shape[along] !== scales.length)
    throw new Error(`there are ${scales.length} scales for ${x.shape[along]} channels of axis ${along}`);
  const zeroPoints = zeros.length === 1 ? scales.map(() => zeros[0]) : zeros;
  return { scales, zeroPoints, axis: along };
}

function parameters(call: OnnxCall, { scales, zeroPoints, axis }: Affine): readonly CallArgument[] {
  if (axis === undefined) return [scales[0], zeroPoints[0]];
  return [
    call.constant(Tensor.from('float32', scales)),
    call.constant(Tensor.from('int64', zeroPoints)),
    axis,
  ];
}

export function quantize(call: OnnxCall, x: OnnxValue, affine: Affine, dtype: DType): OnnxValue {
  const target = affine.axis === undefined ? QUANTIZE_PER_TENSOR : QUANTIZE_PER_CHANNEL;
  return call.call(target, x, ...parameters(call, affine), ...rangeOf(dtype));
}

/** Stays a call where the integers are constant, too: lowering computes with the integers. */
export function dequantize(call: OnnxCall, x: OnnxValue, affine: Affine): OnnxValue {
  const target = affine.axis === undefined ? DEQUANTIZE_PER_TENSOR : DEQUANTIZE_PER_CHANNEL;
  const args = [...parameters(call, affine), ...rangeOf(x.dtype)];
  const isKept = x instanceof ConstantValue && x.dtype !== 'int32';
  return isKept ? call.writer.keep(target, [x, ...args]) : call.call(target, x, ...args);
}

const isComputed = (call: OnnxCall): boolean => [1, 2].some((i) => call.optional(i) instanceof ComputedValue);

/** The dtype is that of the zero point, or an attribute since operator set 21; else uint8. */
function quantizeLinear(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const code = call.attributes.int('output_dtype', 0);
  const dtype = call.optional(2)?.dtype ?? (code === 0 ? 'uint8' : dtypeOfOnnx(code));
  if (!dtype) throw new Error(`quantization to ${onnxTypeName(code)} is not supported`);
  if (isComputed(call)) return quantizeComputed(call, x, call.input(1), call.optional(2), dtype);
  const affine = affineOf(call, x, 1, 2, call.attributes.int('axis', 1));
  return quantizeGiven(call, call.cast(x, 'float32'), affine, dtype);
}

/**
 * ONNX divides by the scale, PyTorch multiplies with 1/scale, and quantizing passes do as PyTorch does. Results differ where a quotient is
 * rounded to half a step: seldom, but for images. An image of bytes, normalized, with a range that was calibrated on such
 * images, is half a step everywhere (`byte - 127.5`). So what is made of inputs alone is divided.
 */
function quantizeGiven(call: OnnxCall, x: OnnxValue, affine: Affine, dtype: DType): OnnxValue {
  const { scales, axis } = affine;
  if (axis !== undefined || !(x instanceof ComputedValue) || !isMadeOfInputs(x.node))
    return quantize(call, x, affine, dtype);
  const scale = call.constant(Tensor.from('float32', scales, []));
  const steps = call.call('aten.div.Tensor', x, scale);
  return quantize(call, steps, { ...affine, scales: [1] }, dtype);
}

function dequantizeLinear(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  if (isComputed(call)) return dequantizeComputed(call, x, call.input(1), call.optional(2));
  return dequantize(call, x, affineOf(call, x, 1, 2, call.attributes.int('axis', 1)));
}

/** Quantization of tensors; of a weight, the integers stay. */
export const quantizationReaders: OperatorTable = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  'com.microsoft.QuantizeLinear': quantizeLinear,
  'com.microsoft.DequantizeLinear': dequantizeLinear,
};
