import { DEQUANTIZE_PER_TENSOR_DYNAMIC, QUANTIZE_PER_TENSOR_DYNAMIC } from '../../../../../aten/index.ts';
import { isCall, type Node, tensorMeta } from '../../../../../graph/index.ts';
import { type DType, integerRange, isFloatingPoint, Tensor } from '../../../../../tensor/index.ts';
import type { OnnxCall } from '../../call.ts';
import { ComputedValue, type OnnxValue } from '../../values.ts';

/** Scales and zero points that the model computes when it runs: one for a tensor. */

/** What a view or cast of one number was made from. */
export function numberSource(node: Node): Node {
  return isCall(node, 'aten.view.default', 'aten.to.dtype') ? numberSource(node.args[0] as Node) : node;
}

/** A parameter as PyTorch's operators have it, `[1]`: what `choose_qparams` returned, as it was. */
function parameter(call: OnnxCall, value: OnnxValue, isScale: boolean): OnnxValue {
  if (value.shape.some((dim) => dim !== 1))
    throw new Error('scales and zero points of channels must be known when the file is read');
  if (value instanceof ComputedValue) {
    const source = numberSource(value.node);
    const meta = tensorMeta(source);
    const isKind = meta && (isScale ? isFloatingPoint(meta.dtype) : meta.dtype === 'int64');
    if (isKind && meta.shape.length === 1) return new ComputedValue(source);
  }
  return call.reshape(call.cast(value, isScale ? 'float32' : 'int64'), [1]);
}

function parameters(call: OnnxCall, scale: OnnxValue | undefined, zeroPoint: OnnxValue | undefined) {
  const one = () => call.constant(Tensor.from('float32', [1]));
  const zero = () => call.constant(Tensor.from('int64', [0]));
  return [
    scale ? parameter(call, scale, true) : one(),
    zeroPoint ? parameter(call, zeroPoint, false) : zero(),
  ] as const;
}

/** Least and greatest value, and the dtype: the last arguments of every call. */
export type Range = readonly [min: number, max: number, dtype: DType];

/** Integers of 4 bits, stored in bytes. */
export const fourBitRange = (isSigned: boolean): Range => (isSigned ? [-8, 7, 'int8'] : [0, 15, 'uint8']);

/** All values of a dtype. */
export function rangeOf(dtype: DType): Range {
  const range = integerRange(dtype);
  if (!range) throw new Error(`quantization to ${dtype} is not supported`);
  return [range.min, range.max, dtype];
}

export function quantizeComputed(
  call: OnnxCall,
  x: OnnxValue,
  scale: OnnxValue,
  zeroPoint: OnnxValue | undefined,
  range: Range,
): OnnxValue {
  return call.call(QUANTIZE_PER_TENSOR_DYNAMIC, ...[x, ...parameters(call, scale, zeroPoint), ...range]);
}

/** Without a scale it is 1: the integers less their zero point. */
export function dequantizeComputed(
  call: OnnxCall,
  x: OnnxValue,
  scale: OnnxValue | undefined,
  zeroPoint: OnnxValue | undefined,
): OnnxValue {
  return call.call(
    DEQUANTIZE_PER_TENSOR_DYNAMIC,
    ...[x, ...parameters(call, scale, zeroPoint), ...rangeOf(x.dtype)],
  );
}
