import {
  CHOOSE_QPARAMS,
  CHOOSE_QPARAMS_SYMMETRIC,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
  QUANTIZE_PER_TENSOR_DYNAMIC,
} from '../../../../aten/index.ts';
import { integerRange } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';
import { number, plus, times } from './functions.ts';
import { checkQuantized } from './quantization.ts';

/**
 * Range, scale, zero point and integers of a tensor: ONNX has one operator for all of them, and runtimes fuse it with
 * what follows. Unlike PyTorch's, it has no smallest scale; that matters for tensors whose values differ by less than
 * 0.06.
 */
function chooseParameters(call: OnnxCall): readonly OnnxValue[] {
  const { args } = call;
  const [dtype, min, max] = [args.dtype('dtype'), args.number('quant_min'), args.number('quant_max')];
  const bytes = integerRange('uint8');
  const input = call.cast(call.self, 'float32');
  if (dtype !== 'uint8' || min !== bytes.min || max !== bytes.max) return spelledOut(call, input, false);
  const results: readonly OnnxValue[] = call.ops('DynamicQuantizeLinear', [input], {}, [
    { dtype: 'uint8', shape: input.shape },
    { dtype: 'float32', shape: [], chosenFor: { input: call.self, integers: () => results[0] } },
    { dtype: 'uint8', shape: [] },
  ]);
  return results.slice(1);
}

/** What PyTorch computes for other ranges: scale and zero point of the least and the greatest value, and of 0. */
function spelledOut(call: OnnxCall, x: OnnxValue, isSymmetric: boolean): readonly OnnxValue[] {
  const { args } = call;
  const dtype = args.dtype('dtype');
  checkQuantized(call, dtype);
  const [min, max] = [args.number('quant_min'), args.number('quant_max')];
  const axes = [...x.shape.keys()];
  const zero = number(call, 0, x);
  const end = (opType: 'Min' | 'Max') =>
    call.op(opType, [call.reduce(`Reduce${opType}`, x, axes, false), zero], {}, { shape: [] });
  const [least, most] = [end('Min'), end('Max')];
  const reach = isSymmetric
    ? times(call, call.op('Max', [call.op('Neg', [least]), most]), 2)
    : call.op('Sub', [most, least]);
  const steps = call.op('Div', [reach, number(call, max - min, x)]);
  const scale = call.op('Max', [steps, number(call, args.number('eps'), x)]);
  if (isSymmetric) return [scale, call.scalar(dtype === 'uint8' ? 128 : 0, dtype)];
  const offset = plus(call, call.op('Neg', [call.op('Round', [call.op('Div', [least, scale])])]), min);
  const bounded = call.op('Clip', [offset, number(call, min, x), number(call, max, x)]);
  return [scale, call.cast(bounded, dtype)];
}

/** A parameter without dimensions. */
function parameter(call: OnnxCall, name: string, dtype: OnnxValue['dtype']): OnnxValue {
  const value = call.args.tensor(name);
  const { viewOf } = value.facts;
  return viewOf?.rank === 0 ? call.cast(viewOf, dtype) : call.reshape(call.cast(value, dtype), []);
}

function quantize(call: OnnxCall): OnnxValue {
  const { args, self } = call;
  const scale = args.tensor('scale');
  const dtype = args.dtype('dtype');
  const chosen = scale.facts.chosenFor;
  if (chosen && chosen.input === self && dtype === 'uint8') return chosen.integers();
  checkQuantized(call, dtype);
  const x = call.cast(self, 'float32');
  const zeroPoint = parameter(call, 'zero_point', dtype);
  return call.op('QuantizeLinear', [x, parameter(call, 'scale', 'float32'), zeroPoint], {}, { dtype });
}

function dequantize(call: OnnxCall): OnnxValue {
  const { self } = call;
  checkQuantized(call, self.dtype);
  const parameters = [parameter(call, 'scale', 'float32'), parameter(call, 'zero_point', self.dtype)];
  return call.op('DequantizeLinear', [self, ...parameters], {}, { dtype: 'float32' });
}

/** Quantization whose parameters are chosen from each request's tensors. */
export const dynamicQuantizationEmitters: OnnxEmitters = {
  [CHOOSE_QPARAMS]: chooseParameters,
  [CHOOSE_QPARAMS_SYMMETRIC]: (call) => spelledOut(call, call.cast(call.self, 'float32'), true),
  [QUANTIZE_PER_TENSOR_DYNAMIC]: quantize,
  [DEQUANTIZE_PER_TENSOR_DYNAMIC]: dequantize,
};
