import {
  DEQUANTIZE_PER_CHANNEL,
  DEQUANTIZE_PER_TENSOR,
  QUANTIZE_PER_CHANNEL,
  QUANTIZE_PER_TENSOR,
} from '../../../../aten/index.ts';
import { type DType, integerRange, Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitters } from '../call.ts';
import type { Dequantized, OnnxValue } from '../value.ts';

/** Scale and zero point of a tensor, or of each position of an axis. */
type Affine = Omit<Dequantized, 'integers'>;

/** @throws Error for dtypes that the operator set does not quantize to. */
export function checkQuantized(call: OnnxCall, dtype: DType): void {
  if (dtype === 'uint8' || dtype === 'int8' || dtype === 'int32') return;
  if (dtype !== 'uint16' && dtype !== 'int16') throw new Error(`ONNX has no quantized tensors of ${dtype}`);
  call.since(21, `quantization to ${dtype}`);
}

/** The parameters in a call's arguments. */
function affineOf(call: OnnxCall): Affine {
  const { args } = call;
  const isPerChannel = args.schema.arguments.some(({ name }) => name === 'scales');
  if (!isPerChannel)
    return { scales: [args.number('scale')], zeroPoints: [args.number('zero_point')], axis: undefined };
  const scales = constantNumbers(args.tensor('scales'), 'the scales');
  const zeros = args.optionalTensor('zero_points');
  return {
    scales,
    zeroPoints: zeros ? constantNumbers(zeros, 'the zero points') : scales.map(() => 0),
    axis: call.axisOf(args.number('axis'), call.self.rank),
  };
}

function constantNumbers({ constant }: OnnxValue, what: string): number[] {
  if (!constant) throw new Error(`${what} of channels must be constants, not computed when the model runs`);
  return constant.toArray();
}

/** Scale and zero point as inputs. Integers of 32 bits have no zero point in ONNX. */
function parameters(
  call: OnnxCall,
  { scales, zeroPoints, axis }: Affine,
  dtype: DType,
): readonly OnnxValue[] {
  const list = (of: DType, values: readonly number[]) =>
    call.constant(Tensor.from(of, values, axis === undefined ? [] : [values.length]));
  const zeros = dtype === 'int32' ? [] : [list(dtype, zeroPoints)];
  return [list('float32', scales), ...zeros];
}

const axisAttribute = (axis: number | undefined) => (axis === undefined ? {} : { axis });

/** `DequantizeLinear` of integers. */
export function dequantize(call: OnnxCall, dequantized: Dequantized): OnnxValue {
  const { integers, zeroPoints, axis } = dequantized;
  checkQuantized(call, integers.dtype);
  if (integers.dtype === 'int32' && zeroPoints.some((zero) => zero !== 0))
    throw new Error('ONNX has no zero points of tensors quantized to int32');
  const inputs = [integers, ...parameters(call, dequantized, integers.dtype)];
  return call.op('DequantizeLinear', inputs, axisAttribute(axis), { dtype: 'float32', dequantized });
}

/** A number for the tensor, or for each position of the axis, so that it broadcasts. */
function broadcast(call: OnnxCall, values: readonly number[], axis: number | undefined): OnnxValue {
  if (axis === undefined) return call.scalar(values[0], 'float32');
  const after = Array<number>(call.self.rank - axis - 1).fill(1);
  return call.constant(Tensor.from('float32', values, [values.length, ...after]));
}

/**
 * ONNX saturates to the whole range of the dtype. A narrower one (reduce_range: 0..127) becomes bounds of the values
 * before they are quantized.
 */
function clipToRange(
  call: OnnxCall,
  x: OnnxValue,
  { scales, zeroPoints, axis }: Affine,
  dtype: DType,
): OnnxValue {
  const range = integerRange(dtype)!;
  const [least, most] = [call.args.number('quant_min'), call.args.number('quant_max')];
  const bounds = (end: number) => scales.map((scale, i) => (end - zeroPoints[i]) * scale);
  const isNarrow = [least > range.min, most < range.max];
  if (axis === undefined) {
    if (!isNarrow.includes(true)) return x;
    const [min, max] = [least, most].map((end) => call.scalar(bounds(end)[0], 'float32'));
    return call.op('Clip', [x, min, max]);
  }
  const low = isNarrow[0] ? call.op('Max', [x, broadcast(call, bounds(least), axis)]) : x;
  return isNarrow[1] ? call.op('Min', [low, broadcast(call, bounds(most), axis)]) : low;
}

function quantize(call: OnnxCall): OnnxValue {
  const dtype = call.args.dtype('dtype');
  checkQuantized(call, dtype);
  const affine = affineOf(call);
  const x = call.cast(call.self, 'float32');
  if (dtype === 'int32') return quantizeTo32Bits(call, x, affine);
  const clipped = clipToRange(call, x, affine, dtype);
  const inputs = [clipped, ...parameters(call, affine, dtype)];
  return call.op('QuantizeLinear', inputs, axisAttribute(affine.axis), { dtype });
}

/** `QuantizeLinear` has no 32 bits: divided, rounded, limited and cast, in float64, which holds them. */
function quantizeTo32Bits(call: OnnxCall, x: OnnxValue, { scales, zeroPoints, axis }: Affine): OnnxValue {
  const wide = (values: readonly number[]) => call.cast(broadcast(call, values, axis), 'float64');
  const units = call.op('Round', [call.op('Div', [call.cast(x, 'float64'), wide(scales)])]);
  const moved = zeroPoints.every((zero) => zero === 0) ? units : call.op('Add', [units, wide(zeroPoints)]);
  const [min, max] = ['quant_min', 'quant_max'].map((name) => call.scalar(call.args.number(name), 'float64'));
  return call.cast(call.op('Clip', [moved, min, max]), 'int32');
}

const dequantizeCall = (call: OnnxCall): OnnxValue =>
  dequantize(call, { integers: call.self, ...affineOf(call) });

/**
 * A bias as int8 kernels expect it: int32 in units of input scale times weight scale, with its DequantizeLinear.
 * Rounding changes a result by at most half a unit. The bias stays float32 if its layer is not quantized, or if it does
 * not fit int32.
 */
export function quantizedBias(
  call: OnnxCall,
  x: OnnxValue,
  weight: OnnxValue,
  bias: OnnxValue | null,
): OnnxValue | null {
  const [ofInput, ofWeight] = [x.facts.dequantized, weight.facts.dequantized];
  if (!bias?.constant || ofInput?.scales.length !== 1 || !ofWeight) return bias;
  const values = bias.constant.toArray();
  const units = ofWeight.scales.map((scale) =>
    Math.fround(Math.fround(scale) * Math.fround(ofInput.scales[0])),
  );
  if (units.length !== 1 && (units.length !== values.length || ofWeight.axis !== 0)) return bias;
  const rounded = values.map((value, channel) => Math.round(value / units[units.length === 1 ? 0 : channel]));
  if (rounded.some((value) => !(Math.abs(value) <= integerRange('int32').max))) return bias;
  const axis = units.length > 1 ? 0 : undefined;
  const integers = call.constant(Tensor.from('int32', rounded), bias.wish);
  return dequantize(call, { integers, scales: units, zeroPoints: units.map(() => 0), axis });
}

/** `quantize_…` and `dequantize_…` as QuantizeLinear and DequantizeLinear. */
export const quantizationEmitters: OnnxEmitters = {
  [QUANTIZE_PER_TENSOR]: quantize,
  [QUANTIZE_PER_CHANNEL]: quantize,
  [DEQUANTIZE_PER_TENSOR]: dequantizeCall,
  [DEQUANTIZE_PER_CHANNEL]: dequantizeCall,
};
