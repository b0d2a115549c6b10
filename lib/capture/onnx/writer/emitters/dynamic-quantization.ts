import {
  CHOOSE_QPARAMS,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
  QUANTIZE_PER_TENSOR_DYNAMIC,
} from '../../../../aten/index.ts';
import { integerRange } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxValue } from '../emitter.ts';

/**
 * Range, scale, zero point and integers of a tensor: ONNX has one operator for all of them, and runtimes fuse it with
 * what follows. Unlike PyTorch's, it has no smallest scale; that matters for tensors whose values differ by less than
 * 0.06.
 */
function chooseParameters(call: OnnxCall): readonly OnnxValue[] {
  const { args } = call;
  const [dtype, min, max] = [args.dtype('dtype'), args.number('quant_min'), args.number('quant_max')];
  const bytes = integerRange('uint8');
  if (dtype !== 'uint8' || min !== bytes.min || max !== bytes.max)
    throw new Error(
      `ONNX chooses parameters at run time for uint8 from 0 to 255 alone, not for ${dtype} from ${min} to ${max}: quantize dynamically without reduceRange`,
    );
  const input = args.tensor('input');
  const [integers, scale, zeroPoint] = call.results('DynamicQuantizeLinear', [input], {
    quantized: { dtype: 'uint8', shape: input.shape },
    scale: { dtype: 'float32', shape: [] },
    zero_point: { dtype: 'uint8', shape: [] },
  });
  return [{ ...scale, quantized: { input: input.name, integers } }, zeroPoint];
}

function quantize(call: OnnxCall): OnnxValue {
  const [input, scale] = [call.args.tensor('input'), call.args.tensor('scale')];
  if (scale.quantized?.input !== input.name)
    throw new Error('a tensor quantized with parameters that were chosen for another one');
  return scale.quantized.integers;
}

/** Quantization whose parameters are chosen from each request's tensors. */
export const dynamicQuantizationEmitters: Readonly<Record<string, OnnxEmitter>> = {
  [CHOOSE_QPARAMS]: chooseParameters,
  [QUANTIZE_PER_TENSOR_DYNAMIC]: quantize,
  [DEQUANTIZE_PER_TENSOR_DYNAMIC]: (call) =>
    call.result('DequantizeLinear', [
      call.args.tensor('input'),
      call.args.tensor('scale'),
      call.args.tensor('zero_point'),
    ]),
};
