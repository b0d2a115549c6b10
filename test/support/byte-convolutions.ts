// Convolutions of bytes with all that is fused into them, against float64: random problems for Octavo's own kernels.
import { addon } from '../../lib/native/addon.ts';
import { arrayTypeOf, type DType } from '../../lib/tensor/index.ts';
import { sizeOf } from './layers.ts';
import { convolutionSums, integers, unaryReference } from './reference.ts';

export type Random = () => number;
type Byte = 'uint8' | 'int8';

const limits: Readonly<Record<Byte, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };
const isByte = (dtype: DType): dtype is Byte => dtype === 'uint8' || dtype === 'int8';
export const pick = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)];
export const between = (random: Random, low: number, high: number) =>
  low + Math.floor(random() * (high - low + 1));
const scaleOf = (random: Random, from: number, to: number) => Math.fround(from + (to - from) * random());

export interface ByteConvolution {
  readonly shape: readonly number[];
  /** Output channels. */
  readonly outputs: number;
  readonly groups: number;
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly number[];
  readonly paddingEnd: readonly number[];
  readonly x: Byte;
  readonly output: Byte | 'float32';
  readonly addend?: Byte | 'float32' | undefined;
  readonly unary: string;
  readonly hasBias: boolean;
  /** Channels of the tensors whose slices the operands are; 0: they are whole. */
  readonly around: number;
  /** An implementation to ask for. */
  readonly wanted?: string;
  /** Weights and bias are known only at run time. */
  readonly unknown?: true;
  /** The addend is where the result belongs. */
  readonly inPlace?: true;
}

/** A window of 3x3 with bias and relu, for channels that a test gives. */
export const plainConvolution: Omit<ByteConvolution, 'shape' | 'outputs' | 'groups'> = {
  kernel: [3, 3],
  stride: [1, 1],
  dilation: [1, 1],
  padding: [1, 1],
  paddingEnd: [1, 1],
  x: 'uint8',
  output: 'uint8',
  unary: 'relu',
  hasBias: true,
  around: 0,
};

/** An image of which `channels` are read or written, in a buffer of exactly the bytes up to its last element. */
export function slice(dtype: DType, shape: readonly number[], around: number) {
  const [n, c, h, w] = shape;
  const pixel = c + around;
  const strides = [h * w * pixel, 1, w * pixel, pixel];
  const data = new (arrayTypeOf(dtype))((n * h * w - 1) * pixel + c) as Uint8Array | Int8Array | Float32Array;
  const place = (i: number) => {
    const [column, row] = [i % w, Math.floor(i / w) % h];
    const [channel, image] = [Math.floor(i / (w * h)) % c, Math.floor(i / (w * h * c))];
    return image * strides[0] + channel + row * strides[2] + column * pixel;
  };
  return { dtype, shape, strides, data, place };
}

/** A slice that holds values given row-major. */
export function sliceOf(dtype: DType, shape: readonly number[], around: number, values: readonly number[]) {
  const image = slice(dtype, shape, around);
  values.forEach((value, i) => {
    image.data[image.place(i)] = value;
  });
  return image;
}

/** Any geometry, dtypes and fused operations, for the given channels and kernel. */
export function randomConvolution(
  random: Random,
  channels: { readonly inputs: number; readonly outputs: number; readonly groups: number },
  kernel: readonly number[],
): ByteConvolution {
  const stride = pick(random, [
    [1, 1],
    [1, 1],
    [2, 2],
    [2, 1],
    [1, 3],
  ]);
  const dilation = pick(random, [
    [1, 1],
    [1, 1],
    [1, 1],
    [2, 2],
    [1, 3],
  ]);
  const padding = pick(random, [
    kernel.map((k) => k >> 1),
    [0, 0],
    [between(random, 0, 12), between(random, 0, 12)],
  ]);
  const paddingEnd = pick(random, [padding, padding, [between(random, 0, 12), between(random, 0, 12)]]);
  const extents = [0, 1].map((i) => {
    const least = dilation[i] * (kernel[i] - 1) + 1 - padding[i] - paddingEnd[i];
    return Math.max(1, least) + between(random, 0, 14);
  });
  return {
    shape: [between(random, 1, 2), channels.inputs, ...extents],
    outputs: channels.outputs,
    groups: channels.groups,
    kernel,
    stride,
    dilation,
    padding,
    paddingEnd,
    x: pick(random, ['uint8', 'int8']),
    output: pick(random, ['uint8', 'uint8', 'int8', 'float32']),
    addend: pick(random, [undefined, undefined, 'uint8', 'int8', 'float32']),
    unary: pick(random, Object.keys(unaryReference)),
    hasBias: random() < 0.7,
    around: pick(random, [0, 0, 5, 64]),
  };
}

/** Runs a problem, and says how far each result lies from the one in float64, in units of the tolerance. */
export function runConvolution(problem: ByteConvolution, random: Random) {
  const { shape, stride, dilation, padding, paddingEnd, x, output, addend, unary, hasBias, around } = problem;
  const { wanted = '', unknown, inPlace } = problem;
  const { outputs: channels, groups } = problem;
  const weightShape = [channels, shape[1] / groups, ...problem.kernel];
  const zeroPoint = integers(random, 1, ...limits[x])[0];
  const source = integers(random, sizeOf(shape), ...limits[x]);
  const weight = integers(random, sizeOf(weightShape), -128, 127);
  const geometry = { stride, padding, paddingEnd, dilation, groups };
  const { sums, shape: result } = convolutionSums({
    ...geometry,
    x: source,
    xShape: shape,
    xZeroPoint: zeroPoint,
    weight,
    weightShape,
  });
  // Sums that the function's bend and the range of bytes lie between.
  const typical = 74 * 74 * Math.sqrt(sizeOf(weightShape) / channels);
  const xScale = scaleOf(random, 0.02, 0.03);
  const weightScales = Float32Array.from({ length: channels }, () => (2 + 2 * random()) / typical / xScale);
  const bias = Float32Array.from({ length: channels }, () => 2 * random() - 1);
  const outputScale = isByte(output) ? scaleOf(random, 0.01, 0.04) : 1;
  const outputZeroPoint = isByte(output) ? integers(random, 1, ...limits[output])[0] : 0;
  const addScale = addend && isByte(addend) ? scaleOf(random, 0.01, 0.03) : 1;
  const addZeroPoint = addend && isByte(addend) ? integers(random, 1, ...limits[addend])[0] : 0;
  const added = addend
    ? isByte(addend)
      ? integers(random, sizeOf(result), ...limits[addend])
      : Array.from({ length: sizeOf(result) }, () => Math.fround(6 * random() - 3))
    : [];
  const weights = Int8Array.from(weight);
  const given = addend && sliceOf(addend, result, around, added);
  const y = inPlace && given ? { ...given, dtype: output } : slice(output, result, around);
  if (!inPlace) y.data.fill(77);
  const implementation = addon.execute(
    {
      op: 'convolution',
      node: 'case',
      attributes: {
        ...geometry,
        kernel: wanted,
        hasBias,
        xScale,
        xZeroPoint: zeroPoint,
        weightScales,
        ...(isByte(output) ? { outputScale, outputZeroPoint } : {}),
        ...(addend ? { binary: 'sum' } : {}),
        ...(addend && isByte(addend) ? { addScale, addZeroPoint } : {}),
        unary: unary === 'gelu' ? 'gelu_erf' : unary,
        unaryAlpha: unary === 'hardtanh' ? 0 : 0.1,
        unaryBeta: 6,
      },
    },
    [
      sliceOf(x, shape, around, source),
      {
        dtype: 'int8',
        shape: weightShape,
        data: unknown ? weights : addon.createConstant('int8', weightShape, weights),
      },
      ...(hasBias ? [{ dtype: 'float32' as const, shape: [channels], data: bias }] : []),
      ...(given ? [given] : []),
    ],
    [y],
  );
  const area = result[2] * result[3];
  let worst = 0;
  const written = new Set<number>();
  sums.forEach((sum, i) => {
    const channel = Math.floor(i / area) % channels;
    const product = sum * xScale * weightScales[channel];
    const real =
      product + (hasBias ? bias[channel] : 0) + (addend ? (added[i] - addZeroPoint) * addScale : 0);
    const value = unaryReference[unary](real);
    // Float32 rounds each of the about ten operations, the largest of whose results is as large as this.
    const largest = Math.max(Math.abs(product), 1, Math.abs(real), addend ? 255 * addScale : 0);
    const error = largest * (unary.startsWith('gelu') ? 4 : 1) * 10 * 2 ** -24;
    const at = y.place(i);
    written.add(at);
    const actual = y.data[at];
    if (isByte(output)) {
      const [low, high] = limits[output];
      const exact = value / outputScale + outputZeroPoint;
      const slack = error / outputScale + 255 * 4 * 2 ** -24;
      // The nearest integer; two where the value lies so near to a tie.
      const nearest = Math.min(Math.max(actual, exact - 0.5 - slack), exact + 0.5 + slack);
      const saturated = (actual === low && exact < low) || (actual === high && exact > high);
      if (!saturated) worst = Math.max(worst, nearest === actual && actual >= low ? 0 : 2);
    } else worst = Math.max(worst, Math.abs(actual - value) / error);
  });
  const others = inPlace ? 0 : [...y.data].filter((value, at) => !written.has(at) && value !== 77).length;
  return { implementation, worst, others, y: y.data };
}

/** Whether no result is further from the right one than float32 allows, and nothing else was written. */
export const isRight = ({ worst, others }: { worst: number; others: number }) => worst <= 1 && others === 0;
