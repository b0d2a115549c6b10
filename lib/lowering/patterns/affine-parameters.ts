import {
  DEQUANTIZE_PER_TENSOR,
  DEQUANTIZE_PER_TENSOR_DYNAMIC,
  QUANTIZE_PER_TENSOR,
} from '../../aten/index.ts';
import { integerProducts } from '../../backend/index.ts';
import { type Argument, isCall, type Node } from '../../graph/index.ts';
import { type DType, integerRange } from '../../tensor/index.ts';

/** Parameters of a per-tensor affine quantization: `q = clamp(round(x / scale) + zeroPoint, quantMin, quantMax)`. */
export interface AffineParameters {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly quantMin: number;
  readonly quantMax: number;
  readonly dtype: DType;
}

/** Whether the argument is a per-tensor quantize call. */
export const isQuantize = (arg: Argument | undefined): arg is Node => isCall(arg, QUANTIZE_PER_TENSOR);

const integers: readonly Argument[] = integerProducts.inputs;

/** Whether the argument is a per-tensor dequantize call of 8-bit integers. */
export const isDequantize = (arg: Argument | undefined): arg is Node =>
  isCall(arg, DEQUANTIZE_PER_TENSOR) && integers.includes(arg.args[5]);

/**
 * Whether the argument is a dequantize call of 8-bit integers whose parameters are computed at run time (dynamic
 * quantization).
 */
export const isDynamicDequantize = (arg: Argument | undefined): arg is Node =>
  isCall(arg, DEQUANTIZE_PER_TENSOR_DYNAMIC) && integers.includes(arg.args[5]);

/** The parameters of a per-tensor quantize or dequantize call. */
export function qparamsOf(node: Node): AffineParameters {
  const [, scale, zeroPoint, quantMin, quantMax, dtype] = node.args;
  return { scale, zeroPoint, quantMin, quantMax, dtype } as AffineParameters;
}

/** The arguments of a quantize or dequantize call of `x`. */
export function qparamArguments(x: Node, q: AffineParameters): readonly Argument[] {
  return [x, q.scale, q.zeroPoint, q.quantMin, q.quantMax, q.dtype];
}

/** Whether two sets of parameters map every quantized value to the same real value. */
export function sameQParams(a: AffineParameters, b: AffineParameters): boolean {
  // Kernels store scales as float32, so smaller differences do not matter.
  return (
    Math.fround(a.scale) === Math.fround(b.scale) &&
    a.zeroPoint === b.zeroPoint &&
    a.quantMin === b.quantMin &&
    a.quantMax === b.quantMax &&
    a.dtype === b.dtype
  );
}

/** Whether the parameters use every value of their dtype (reduced ranges do not). */
export function isFullRange({ dtype, quantMin, quantMax }: AffineParameters): boolean {
  const range = integerRange(dtype);
  return range !== undefined && quantMin <= range.min && quantMax >= range.max;
}
