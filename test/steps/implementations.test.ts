import { describe, expect, it } from 'vitest';
import { whyNoFastBfloat16 } from '../../lib/cpu/fast-bfloat16.ts';
import { cpuFeatures } from '../../lib/cpu/features.ts';
import { addon } from '../../lib/native/addon.ts';
import { arrayTypeOf, type DType } from '../../lib/tensor/index.ts';
import { type Layer, sizeOf, unaries } from '../support/layers.ts';

// Shapes of ResNet, ResNeXt, MobileNet, DenseNet and dilated networks, and two odd ones.
const layers: readonly Layer[] = [
  { name: 'stem', x: [1, 3, 112, 112], weight: [64, 3, 7, 7], stride: 2, padding: 3 },
  { name: 'small stem', x: [1, 3, 64, 64], weight: [16, 3, 3, 3], stride: 2, padding: 1 },
  { name: 'one channel', x: [1, 1, 32, 32], weight: [16, 1, 3, 3], padding: 1 },
  { name: '3x3', x: [1, 64, 28, 28], weight: [64, 64, 3, 3], padding: 1 },
  { name: '3x3, stride 2', x: [1, 64, 28, 28], weight: [128, 64, 3, 3], stride: 2, padding: 1 },
  { name: '1x1', x: [1, 256, 14, 14], weight: [64, 256, 1, 1] },
  { name: '1x1, stride 2', x: [1, 64, 28, 28], weight: [128, 64, 1, 1], stride: 2 },
  { name: 'expansion', x: [1, 24, 28, 28], weight: [144, 24, 1, 1] },
  { name: 'squeeze', x: [1, 240, 1, 1], weight: [64, 240, 1, 1] },
  { name: 'depthwise', x: [1, 96, 28, 28], weight: [96, 1, 3, 3], padding: 1, groups: 96 },
  { name: 'depthwise 5x5', x: [1, 72, 14, 14], weight: [72, 1, 5, 5], stride: 2, padding: 2, groups: 72 },
  { name: 'cardinality 32', x: [1, 128, 14, 14], weight: [128, 4, 3, 3], padding: 1, groups: 32 },
  { name: 'two groups', x: [1, 64, 14, 14], weight: [64, 32, 3, 3], padding: 1, groups: 2 },
  { name: 'dilated', x: [1, 64, 14, 14], weight: [64, 64, 3, 3], padding: 2, dilation: 2 },
  { name: 'odd channels', x: [1, 17, 14, 14], weight: [9, 17, 3, 3], padding: 1 },
  { name: 'odd groups', x: [1, 60, 14, 14], weight: [60, 15, 3, 3], padding: 1, groups: 4 },
];

interface Variant {
  readonly x: DType;
  /** Of an 8-bit input: what a plan knows of it. */
  readonly inputMax?: number;
  readonly output: DType;
  readonly unary?: string;
  readonly addend?: DType;
}

const variants: readonly Variant[] = [
  { x: 'uint8', output: 'uint8' },
  { x: 'int8', output: 'int8' },
  { x: 'uint8', output: 'float32' },
  { x: 'uint8', output: 'bfloat16' },
  { x: 'uint8', inputMax: 127, output: 'uint8' },
  { x: 'uint8', inputMax: 127, output: 'bfloat16' },
  ...unaries.map((unary) => ({
    x: 'uint8' as const,
    output: 'uint8' as const,
    unary: unary.replace(/^gelu$/, 'gelu_erf'),
  })),
  { x: 'uint8', output: 'uint8', addend: 'uint8', unary: 'relu' },
  { x: 'uint8', output: 'int8', addend: 'uint8', unary: 'hardswish' },
  { x: 'uint8', output: 'uint8', addend: 'float32' },
  { x: 'uint8', output: 'uint8', addend: 'bfloat16' },
  { x: 'uint8', output: 'float32', addend: 'uint8' },
  { x: 'uint8', output: 'bfloat16', addend: 'bfloat16', unary: 'relu' },
  { x: 'float32', output: 'float32' },
  { x: 'float32', output: 'float32', unary: 'hardswish' },
  { x: 'float32', output: 'float32', addend: 'float32', unary: 'relu' },
];

const inBfloat16: readonly Variant[] = [
  { x: 'bfloat16', output: 'bfloat16' },
  { x: 'bfloat16', output: 'float32' },
  { x: 'bfloat16', output: 'bfloat16', unary: 'hardswish' },
  { x: 'bfloat16', output: 'bfloat16', addend: 'bfloat16', unary: 'relu' },
];

const isInt8 = (dtype: DType) => dtype === 'uint8' || dtype === 'int8';
const tensor = (dtype: DType, shape: readonly number[]) => ({
  dtype,
  shape,
  data: new (arrayTypeOf(dtype))(sizeOf(shape)),
});
const constant = (dtype: DType, shape: readonly number[]) => {
  const data = tensor(dtype, shape).data as Int8Array | Float32Array;
  data.fill(127);
  return { dtype, shape, data: addon.createConstant(dtype, shape, data) };
};
const image = (dtype: DType, shape: readonly number[]) => {
  const [, c, h, w] = shape;
  return { ...tensor(dtype, shape), strides: [c * h * w, 1, w * c, c] };
};

/** Attributes that every variant has, zero points where dtypes have them. */
function quantization({ x, inputMax = 255, output, unary = 'none', addend }: Variant, channels: number) {
  return {
    hasBias: true,
    ...(isInt8(x)
      ? { xScale: 0.02, xZeroPoint: 5, inputMax, weightScales: new Float32Array(channels).fill(0.01) }
      : {}),
    ...(isInt8(output) ? { outputScale: 0.05, outputZeroPoint: 7 } : {}),
    ...(addend ? { binary: 'sum' } : {}),
    ...(addend && isInt8(addend) ? { addScale: 0.03, addZeroPoint: 9 } : {}),
    unary,
    unaryAlpha: 0.1,
    unaryBeta: 6,
  };
}

function convolution(layer: Layer, variant: Variant): string {
  const { x, weight, stride = 1, padding = 0, dilation = 1, groups = 1 } = layer;
  const channels = weight[0];
  const extent = (i: number) =>
    Math.floor((x[i] + 2 * padding - dilation * (weight[i] - 1) - 1) / stride) + 1;
  const shape = [x[0], channels, extent(2), extent(3)];
  const attributes = {
    stride: [stride, stride],
    padding: [padding, padding],
    dilation: [dilation, dilation],
    groups,
    ...quantization(variant, channels),
  };
  return addon.execute(
    { op: 'convolution', node: layer.name, attributes },
    [
      image(variant.x, x),
      constant(isInt8(variant.x) ? 'int8' : variant.x, weight),
      constant('float32', [channels]),
      ...(variant.addend ? [image(variant.addend, shape)] : []),
    ],
    [image(variant.output, shape)],
  );
}

function linear(rows: readonly number[], out: number, variant: Variant): string {
  const shape = [...rows.slice(0, -1), out];
  return addon.execute(
    { op: 'linear', node: 'linear', attributes: quantization(variant, out) },
    [
      tensor(variant.x, rows),
      constant(isInt8(variant.x) ? 'int8' : variant.x, [out, rows[rows.length - 1]]),
      constant('float32', [out]),
      ...(variant.addend ? [tensor(variant.addend, shape)] : []),
    ],
    [tensor(variant.output, shape)],
  );
}

// A name with 'ref' is a reference kernel; a '+' is a reorder around the primitive.
describe('no reference kernel, and nothing reordered', () => {
  it.each(layers)('convolution of channels-last images: $name', (layer) => {
    const names = variants.map((variant) => convolution(layer, variant));
    expect(names.filter((name) => /ref|\+/.test(name))).toEqual([]);
  });

  it.each([[[1, 512]], [[32, 100]], [[2, 9, 64]]])('linear of %j', (rows) => {
    const names = [10, 64].flatMap((out) => variants.map((variant) => linear(rows, out, variant)));
    expect(names.filter((name) => /ref|\+/.test(name))).toEqual([]);
  });
});

// Where the CPU is not fast in bfloat16, oneDNN emulates it, as on AVX-512, or computes in float32 between two conversions.
const bfloat16Name = whyNoFastBfloat16(cpuFeatures())
  ? /^(octavo:convert\+)?(?!.*ref)[\w:]+(\+octavo:convert)?$/
  : /^(?!.*ref)[\w:]+$/;
describe('no reference kernel in bfloat16, and nothing converted where the CPU computes in it', () => {
  it.each(layers)('convolution of channels-last images: $name', (layer) => {
    for (const variant of inBfloat16) expect(convolution(layer, variant)).toMatch(bfloat16Name);
  });

  it.each([[[1, 512]], [[32, 100]], [[2, 9, 64]]])('linear of %j', (rows) => {
    for (const variant of inBfloat16)
      for (const out of [10, 64]) expect(linear(rows, out, variant)).toMatch(bfloat16Name);
  });
});

it('averages of bytes in few channels are not left to a kernel that touches memory next to its results', () => {
  const pool = (channels: number) =>
    addon.execute(
      {
        op: 'pool',
        node: 'pool',
        attributes: {
          algorithm: 'avg_include_padding',
          kernel: [2, 2],
          stride: [2, 2],
          padding: [0, 0],
          dilation: [1, 1],
        },
      },
      [image('uint8', [1, channels, 8, 8])],
      [image('uint8', [1, channels, 4, 4])],
    );
  for (const channels of [1, 3, 8, 16, 31]) expect(pool(channels)).not.toContain('avx2');
  expect(pool(64)).toMatch(/jit|octavo/);
});
