// Quantized convolution and linear in float64, written from their definition alone.
import { bfloat16ToFloat, type Tensor } from '../../lib/tensor/index.ts';

/** A seeded generator of numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Integers in [low, high]. */
export function integers(random: () => number, count: number, low: number, high: number): number[] {
  return Array.from({ length: count }, () => low + Math.floor(random() * (high - low + 1)));
}

/** erf by its Maclaurin series where it converges fast, else by its continued fraction (Lentz); about 1e-15. */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

/** Pointwise functions by the names that `UnaryPostOp` gives them. */
export const unaryReference: Readonly<Record<string, (x: number) => number>> = {
  none: (x) => x,
  relu: (x) => Math.max(x, 0),
  leaky_relu: (x) => (x < 0 ? 0.1 * x : x),
  hardtanh: (x) => clamp(x, 0, 6),
  hardswish: (x) => (x * clamp(x + 3, 0, 6)) / 6,
  hardsigmoid: (x) => clamp(x + 3, 0, 6) / 6,
  swish: (x) => x * sigmoid(x),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  sigmoid,
  tanh: Math.tanh,
};

export interface ConvolutionReference {
  readonly x: ArrayLike<number>;
  readonly xShape: readonly number[];
  readonly xZeroPoint: number;
  readonly weight: ArrayLike<number>;
  readonly weightShape: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly paddingEnd: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** Sums of products of [N, C, H, W] with [O, C/groups, KH, KW], row-major; and the output's shape. */
export function convolutionSums(p: ConvolutionReference): { sums: Float64Array; shape: number[] } {
  const [n, c, h, w] = p.xShape;
  const [o, perGroup, kh, kw] = p.weightShape;
  const outputs = [h, w].map((extent, i) => {
    const span = p.dilation[i] * (p.weightShape[2 + i] - 1) + 1;
    return Math.floor((extent + p.padding[i] + p.paddingEnd[i] - span) / p.stride[i]) + 1;
  });
  const [oh, ow] = outputs;
  // The fuzzer computes billions of these products: nothing but numbers in the loops, and no taps in the padding.
  const { x, xZeroPoint, weight } = p;
  const [strideH, strideW] = p.stride;
  const [paddingH, paddingW] = p.padding;
  const [dilationH, dilationW] = p.dilation;
  const firstTap = (start: number, dilation: number) => Math.max(0, Math.ceil(-start / dilation));
  const endTap = (start: number, dilation: number, extent: number, taps: number) =>
    Math.min(taps, Math.ceil((extent - start) / dilation));
  const sums = new Float64Array(n * o * oh * ow);
  let at = 0;
  for (let image = 0; image < n; image++)
    for (let channel = 0; channel < o; channel++) {
      const plane = image * c + Math.floor(channel / (o / p.groups)) * perGroup;
      for (let row = 0; row < oh; row++) {
        const top = row * strideH - paddingH;
        const [firstI, endI] = [firstTap(top, dilationH), endTap(top, dilationH, h, kh)];
        for (let column = 0; column < ow; column++) {
          const left = column * strideW - paddingW;
          const [firstJ, endJ] = [firstTap(left, dilationW), endTap(left, dilationW, w, kw)];
          let sum = 0;
          for (let inner = 0; inner < perGroup; inner++)
            for (let i = firstI; i < endI; i++) {
              const xRow = ((plane + inner) * h + top + i * dilationH) * w + left;
              const weightRow = ((channel * perGroup + inner) * kh + i) * kw;
              for (let j = firstJ; j < endJ; j++)
                sum += (x[xRow + j * dilationW] - xZeroPoint) * weight[weightRow + j];
            }
          sums[at++] = sum;
        }
      }
    }
  return { sums, shape: [n, o, oh, ow] };
}

/** Sums of products of [rows, inner] with [out, inner], row-major. */
export function linearSums(
  x: ArrayLike<number>,
  xZeroPoint: number,
  weight: ArrayLike<number>,
  [out, inner]: readonly number[],
): Float64Array {
  const rows = x.length / inner;
  const sums = new Float64Array(rows * out);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < out; column++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (x[row * inner + k] - xZeroPoint) * weight[column * inner + k];
      sums[row * out + column] = sum;
    }
  return sums;
}

const ranges: Readonly<Record<string, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };

/** Elements as numbers, bfloat16 decoded. */
export function valuesOf(tensor: Tensor): ArrayLike<number> {
  return tensor.dtype === 'bfloat16'
    ? bfloat16ToFloat(tensor.data as Uint16Array)
    : (tensor.data as Float32Array);
}

/**
 * The first element that is not what the exact real value quantizes or rounds to, described; undefined when all are.
 *
 * Integers: the result is the exact value rounded and clamped. The kernels compute scales and functions in float32 and
 * their polynomials err by some 1e-5, so near a tie either neighbour is right: 0.5 + 0.005 steps.
 * float32: sums of int8 products are exact; what remains are a handful of float32 operations and the functions'
 * polynomials: 1e-5 of the value, and 2e-5. bfloat16: half an ulp (2^-9) more; a whole one, for double rounding.
 */
export function firstMismatch(
  actual: Tensor,
  exact: ArrayLike<number>,
  scale: number,
  zeroPoint: number,
): string | undefined {
  const values = valuesOf(actual);
  if (values.length !== exact.length) return `${values.length} elements, not ${exact.length}`;
  const range = ranges[actual.dtype];
  for (let i = 0; i < values.length; i++) {
    const target = range ? clamp(exact[i] / scale + zeroPoint, ...range) : exact[i];
    const tolerance = range
      ? 0.505
      : 2e-5 + Math.abs(target) * (actual.dtype === 'bfloat16' ? 2 ** -8 : 1e-5);
    if (!(Math.abs(values[i] - target) <= tolerance)) return `element ${i}: ${values[i]}, exactly ${target}`;
  }
  return undefined;
}

/** Exact values per output element: `(sum * scale[channel] + bias[channel] + addend)` through the function. */
export function finish(
  sums: Float64Array,
  channelOf: (index: number) => number,
  scales: readonly number[],
  bias: readonly number[] | undefined,
  addend: ((index: number) => number) | undefined,
  unary: string,
): Float64Array {
  return sums.map((sum, i) => {
    const channel = channelOf(i);
    const value =
      sum * scales[scales.length === 1 ? 0 : channel] + (bias?.[channel] ?? 0) + (addend?.(i) ?? 0);
    return unaryReference[unary](value);
  });
}
