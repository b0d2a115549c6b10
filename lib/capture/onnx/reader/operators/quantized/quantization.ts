import {
  DEQUANTIZE_PER_CHANNEL,
  DEQUANTIZE_PER_TENSOR,
  QUANTIZE_PER_CHANNEL,
  QUANTIZE_PER_TENSOR,
} from '../../../../../aten/index.ts';
import { Tensor } from '../../../../../tensor/index.ts';
import type { OnnxCall } from '../../call.ts';
import type { CallArgument } from '../../graph-writer.ts';
import { ConstantValue, type OnnxValue } from '../../values.ts';
import { type Range, rangeOf } from './computed-parameters.ts';

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
  if (tensor.shape.length > 1)
    throw new Error(`the scale must be one number, or one a channel, got [${tensor.shape.join(', ')}]`);
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

export function quantize(call: OnnxCall, x: OnnxValue, affine: Affine, range: Range): OnnxValue {
  const target = affine.axis === undefined ? QUANTIZE_PER_TENSOR : QUANTIZE_PER_CHANNEL;
  return call.call(target, x, ...parameters(call, affine), ...range);
}

/** Stays a call where the integers are constant, too: lowering computes with the integers. */
export function dequantize(call: OnnxCall, x: OnnxValue, affine: Affine): OnnxValue {
  const target = affine.axis === undefined ? DEQUANTIZE_PER_TENSOR : DEQUANTIZE_PER_CHANNEL;
  const args = [...parameters(call, affine), ...rangeOf(x.dtype)];
  const isKept = x instanceof ConstantValue && x.dtype !== 'int32';
  return isKept ? call.writer.keep(target, [x, ...args]) : call.call(target, x, ...args);
}
