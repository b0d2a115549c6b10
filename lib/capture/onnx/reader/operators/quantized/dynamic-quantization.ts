import { CHOOSE_QPARAMS, QUANTIZE_PER_TENSOR_DYNAMIC } from '../../../../../aten/index.ts';
import { integerRange } from '../../../../../tensor/index.ts';
import { leastScale } from '../../../names.ts';
import type { OnnxCall, OperatorTable } from '../../call.ts';
import { ComputedValue, type OnnxValue } from '../../values.ts';
import { convolution } from '../convolution.ts';
import { matmul } from '../linear.ts';
import { dequantizeComputed } from './computed-parameters.ts';
import { dequantize } from './quantization.ts';

/** Scale and zero point of a tensor's own range; both without dimensions here, and of other dtypes than in PyTorch. */
function dynamicQuantizeLinear(call: OnnxCall): readonly OnnxValue[] {
  const x = call.input(0);
  const { min, max } = integerRange('uint8');
  const [scale, zeroPoint] = call.calls(CHOOSE_QPARAMS, x, min, max, leastScale, 'uint8');
  const integers = call.call(QUANTIZE_PER_TENSOR_DYNAMIC, x, scale, zeroPoint, min, max, 'uint8');
  const asNumber = (value: OnnxValue, dtype: 'float32' | 'uint8') =>
    call.call('aten.view.default', call.call('aten.to.dtype', value, dtype), []);
  return [integers, asNumber(scale, 'float32'), asNumber(zeroPoint, 'uint8')];
}

/**
 * Integers less their zero point, as real numbers: dequantized with a scale of 1. Sums of such products are exact in
 * float32 up to 2^24.
 */
function whole(call: OnnxCall, at: number, zeroPoint: number, axis: number): OnnxValue {
  const integers = call.input(at);
  const zero = call.optional(zeroPoint);
  if (zero instanceof ComputedValue) return dequantizeComputed(call, integers, undefined, zero);
  const zeroPoints = zero ? call.numbers(zeroPoint, 'the zero point') : [0];
  const isPerChannel = zeroPoints.length > 1;
  return dequantize(call, integers, {
    scales: zeroPoints.map(() => 1),
    zeroPoints,
    axis: isPerChannel ? call.axis(axis, integers.shape.length) : undefined,
  });
}

const toIntegers = (call: OnnxCall, value: OnnxValue): OnnxValue =>
  call.call('aten.to.dtype', value, 'int32');

function matmulInteger(call: OnnxCall): OnnxValue {
  const [a, b] = [whole(call, 0, 2, -2), whole(call, 1, 3, -1)];
  return toIntegers(call, matmul(call.with([a, b])));
}

function convInteger(call: OnnxCall): OnnxValue {
  const [x, weight] = [whole(call, 0, 2, 1), whole(call, 1, 3, 0)];
  return toIntegers(call, convolution(call.with([x, weight])));
}

/** Quantization with parameters that each request's tensors choose, and products of integers. */
export const dynamicQuantizationReaders: OperatorTable = {
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  MatMulInteger: matmulInteger,
  ConvInteger: convInteger,
};
