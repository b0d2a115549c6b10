import { roundHalfToEven, Tensor } from '../tensor/index.ts';
import { isSymmetric, type QScheme } from './qscheme.ts';
import type { QuantizedDType, QuantRange } from './quantized-dtype.ts';

/**
 * Quantization parameters: `real = (quantized - zeroPoint) * scale`. Both have one element per tensor or per channel;
 * `scale` is float32, `zeroPoint` int32 or int64 as in PyTorch, float32 under `per_channel_affine_float_qparams`.
 */
export interface QParams {
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
}

/** Everything that decides the parameters, except the observed range. */
export interface QParamsRule extends QuantRange {
  readonly dtype: QuantizedDType;
  readonly qscheme: QScheme;
  /** Smallest scale. */
  readonly eps: number;
  /** Whether the user set quantMin and quantMax. */
  readonly hasCustomizedQRange: boolean;
}

const f32 = Math.fround;

/**
 * Scale and zero point for observed minima and maxima, one per channel (counterpart: `_calculate_qparams` of
 * `UniformQuantizationObserverBase`). The range is widened to include zero. Every step rounds to float32.
 * @throws Error when the width of the range overflows float32.
 */
export function calculateQparams(minima: Float32Array, maxima: Float32Array, rule: QParamsRule): QParams {
  if (rule.qscheme === 'per_channel_affine_float_qparams') return floatQparams(minima, maxima, rule);
  const channels = minima.length;
  const eps = f32(rule.eps);
  const steps = rule.quantMax - rule.quantMin;
  const scale = new Float32Array(channels);
  const zeroPoint: number[] = Array(channels).fill(0);
  for (let c = 0; c < channels; c++) {
    const min = Math.min(minima[c], 0);
    const max = Math.max(maxima[c], 0);
    if (isSymmetric(rule.qscheme)) {
      scale[c] = Math.max(f32(Math.max(-min, max) / f32(steps / 2)), eps);
      zeroPoint[c] = symmetricZeroPoint(rule);
    } else {
      scale[c] = Math.max(f32(f32(max - min) / f32(steps)), eps);
      const shifted = rule.quantMin - roundHalfToEven(f32(min / scale[c]));
      zeroPoint[c] = Math.min(Math.max(shifted, rule.quantMin), rule.quantMax);
    }
  }
  const infinite = scale.indexOf(Infinity);
  if (infinite >= 0)
    throw new Error(
      `values from ${minima[infinite]} to ${maxima[infinite]} span more than float32 can hold; scale them down, ` +
        'or exclude this node from quantization',
    );
  const zeroPointDType = isSymmetric(rule.qscheme) ? 'int64' : 'int32';
  return {
    scale: new Tensor('float32', scale, [channels]),
    zeroPoint: Tensor.from(zeroPointDType, zeroPoint),
  };
}

/** Maps the smallest value to exactly 0, regardless of its sign. The range need not contain zero. */
function floatQparams(minima: Float32Array, maxima: Float32Array, rule: QParamsRule): QParams {
  const steps = f32(rule.quantMax - rule.quantMin);
  const scale = minima.map((min, c) => {
    const step = f32(f32(maxima[c] - min) / steps);
    return step > rule.eps ? step : 1;
  });
  const zeroPoint = minima.map((min, c) => f32(-min / scale[c]));
  const shape = [minima.length];
  return { scale: new Tensor('float32', scale, shape), zeroPoint: new Tensor('float32', zeroPoint, shape) };
}

/** The integer that stands for zero in symmetric schemes: the middle of the range. */
export function symmetricZeroPoint(rule: QParamsRule): number {
  if (rule.dtype === 'uint8')
    return rule.hasCustomizedQRange ? Math.floor((rule.quantMin + rule.quantMax) / 2) : 128;
  return rule.dtype === 'uint16' ? 2 ** 15 : 0;
}
