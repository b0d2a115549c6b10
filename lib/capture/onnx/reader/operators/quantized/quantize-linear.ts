import { dtypeOfOnnx, onnxTypeName } from '../../../dtype.ts';
import type { OnnxCall, OperatorTable } from '../../call.ts';
import { isMadeOfInputs } from '../../made-of-inputs.ts';
import { hasFourBits } from '../../tensors.ts';
import { ComputedValue, ConstantValue, type OnnxValue } from '../../values.ts';
import { blocksOf, dequantizeBlocks, quantizeBlocks } from './blocks.ts';
import {
  dequantizeComputed,
  fourBitRange,
  quantizeComputed,
  type Range,
  rangeOf,
} from './computed-parameters.ts';
import { type Affine, affineOf, dequantize, quantize } from './quantization.ts';

const isComputed = (call: OnnxCall): boolean => [1, 2].some((i) => call.optional(i) instanceof ComputedValue);

const [UINT4, INT4] = [21, 22];

/** The range is that of the zero point's type, or of an attribute since operator set 21; else of uint8. */
function quantizedRange(call: OnnxCall): Range {
  const zeroPoint = call.optional(2);
  if (zeroPoint instanceof ConstantValue && hasFourBits(zeroPoint.tensor))
    return fourBitRange(zeroPoint.dtype === 'int8');
  const code = call.attributes.int('output_dtype', 0);
  if (!zeroPoint && (code === UINT4 || code === INT4)) return fourBitRange(code === INT4);
  const dtype = zeroPoint?.dtype ?? (code === 0 ? 'uint8' : dtypeOfOnnx(code));
  if (!dtype) throw new Error(`quantization to ${onnxTypeName(code)} is not supported`);
  return rangeOf(dtype);
}

function quantizeLinear(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  const range = quantizedRange(call);
  const isOfBlocks = call.attributes.int('block_size', 0) !== 0;
  if (isComputed(call) && !isOfBlocks)
    return quantizeComputed(call, x, call.input(1), call.optional(2), range);
  const real = call.cast(x, 'float32');
  if (isOfBlocks) return quantizeBlocks(call, real, blocksOf(call, real), range);
  return quantizeGiven(call, real, affineOf(call, x, 1, 2, call.attributes.int('axis', 1)), range);
}

/**
 * ONNX divides by the scale, PyTorch multiplies with 1/scale, and quantizing passes do as PyTorch does. Results differ where a
 * quotient is rounded to half a step: seldom, but for images. An image of bytes, normalized, with a range that was calibrated
 * on such images, is half a step everywhere (`byte - 127.5`). So what is made of inputs alone is divided, unless
 * by 1.
 */
function quantizeGiven(call: OnnxCall, x: OnnxValue, affine: Affine, range: Range): OnnxValue {
  const { scales, axis } = affine;
  const isPlain = axis !== undefined || scales[0] === 1;
  if (isPlain || !(x instanceof ComputedValue) || !isMadeOfInputs(x.node))
    return quantize(call, x, affine, range);
  const steps = call.call('aten.div.Tensor', x, scales[0]);
  return quantize(call, steps, { ...affine, scales: [1] }, range);
}

function dequantizeLinear(call: OnnxCall): OnnxValue {
  const x = call.input(0);
  if (call.attributes.int('block_size', 0) !== 0) return dequantizeBlocks(call, x, blocksOf(call, x));
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
