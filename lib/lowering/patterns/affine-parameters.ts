import { integerProducts } from '../../backend/index.ts';
import { type Argument, isCall, type Node } from '../../graph/index.ts';
import type { DType } from '../../tensor/index.ts';

/** Parameters of a per-tensor affine quantization: `q = clamp(round(x / scale) + zeroPoint, quantMin, quantMax)`. */
export interface QParams {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly quantMin: number;
  readonly quantMax: number;
  readonly dtype: DType;
}

export const quantizePerTensor = 'quantized_decomposed.quantize_per_tensor.default';
export const dequantizePerTensor = 'quantized_decomposed.dequantize_per_tensor.default';
export const dequantizePerChannel = 'quantized_decomposed.dequantize_per_channel.default';

/** Whether the argument is a per-tensor quantize call. */
export const isQuantize = (arg: Argument | undefined): arg is Node => isCall(arg, quantizePerTensor);

const integers: readonly Argument[] = integerProducts.inputs;

/** Whether the argument is a per-tensor dequantize call of 8-bit integers. */
export const isDequantize = (arg: Argument | undefined): arg is Node =>
  isCall(arg, dequantizePerTensor) && integers.includes(arg.args[5]);

/**
 * Whether the argument is a dequantize call of 8-bit integers whose parameters are computed at run time: dynamic
 * quantization.
 */
export const isDynamicDequantize = (arg: Argument | undefined): arg is Node =>
  isCall(arg, 'quantized_decomposed.dequantize_per_tensor.tensor') && integers.includes(arg.args[5]);

/** The parameters of a per-tensor quantize or dequantize call. */
export function qparamsOf(node: Node): QParams {
  const [, scale, zeroPoint, quantMin, quantMax, dtype] = node.args;
  return { scale, zeroPoint, quantMin, quantMax, dtype } as QParams;
}

/** The arguments of a quantize or dequantize call of `x`. */
export function qparamArguments(x: Node, q: QParams): readonly Argument[] {
  return [x, q.scale, q.zeroPoint, q.quantMin, q.quantMax, q.dtype];
}

/** Whether a value quantized with one set of parameters means the same under the other. */
export function sameQParams(a: QParams, b: QParams): boolean {
  // Kernels hold scales as float32: what differs beyond that is the same scale.
  return (
    Math.fround(a.scale) === Math.fround(b.scale) &&
    a.zeroPoint === b.zeroPoint &&
    a.quantMin === b.quantMin &&
    a.quantMax === b.quantMax &&
    a.dtype === b.dtype
  );
}

const ranges: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
};

/** Whether the parameters use every value of their dtype (reduced ranges do not). */
export function isFullRange({ dtype, quantMin, quantMax }: QParams): boolean {
  const range = ranges[dtype];
  return range !== undefined && quantMin <= range[0] && quantMax >= range[1];
}
