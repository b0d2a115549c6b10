import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import type { TensorDesc } from '../../lib/native/addon-types.ts';

interface Problem {
  readonly image: readonly number[];
  readonly kernel: readonly number[];
  readonly channels?: readonly [number, number];
  readonly groups?: number;
  readonly stride?: readonly number[];
  readonly padding: readonly number[];
  readonly dilation?: readonly number[];
  readonly dtype?: 'uint8' | 'int8' | 'float32' | 'bfloat16';
  readonly zeroPoint?: number;
  readonly addend?: TensorDesc['dtype'];
  readonly unary?: string;
}

/** What `convolution_faults.cc` says of a kernel, whether or not this CPU has it. */
function faultOf(implementation: string, problem: Problem): string | null {
  const { image, kernel, padding, groups = 1, dtype = 'uint8', addend, unary = 'none' } = problem;
  const { stride = [1, 1], dilation = [1, 1], zeroPoint = dtype === 'uint8' ? 42 : 0 } = problem;
  const [inputs, outputs] = problem.channels ?? [16, 16];
  const size = image.map(
    (extent, i) => Math.floor((extent + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1,
  );
  const quantized = dtype === 'uint8' || dtype === 'int8';
  const result: TensorDesc = { dtype: 'float32', shape: [1, outputs, ...size] };
  return addon.convolutionFault(
    implementation,
    {
      op: 'convolution',
      node: 'conv',
      attributes: {
        stride,
        padding,
        dilation,
        groups,
        ...(quantized && { xScale: 1, xZeroPoint: zeroPoint }),
        ...(addend && { binary: 'sum' }),
        unary,
      },
    },
    [
      { dtype, shape: [1, inputs, ...image] },
      { dtype: quantized ? 'int8' : 'float32', shape: [outputs, inputs / groups, ...kernel] },
      ...(addend ? [{ dtype: addend, shape: result.shape }] : []),
    ],
    result,
  );
}

const square = (side: number, kernel: number, dilation: number, padding: number): Problem => ({
  image: [side, side],
  kernel: [kernel, kernel],
  dilation: [dilation, dilation],
  padding: [padding, padding],
});

describe('int8 kernels of AMX tiles', () => {
  const names = ['jit:avx512_core_amx_int8', 'jit:avx10_1_512_amx'];
  // Seen to crash or to give wrong sums on a Xeon with AMX, under oneDNN 2.6.3, 3.7.2 and 3.12.1.
  const seen: readonly Problem[] = [
    ...[7, 9, 11, 13, 15].map((side) => square(side, 3, 4, 4)),
    ...[9, 11, 13, 15].map((side) => square(side, 3, 6, 6)),
    ...[11, 13, 15].map((side) => square(side, 3, 8, 8)),
    { ...square(9, 3, 6, 6), channels: [256, 256] },
    ...[7, 9].map((side) => square(side, 5, 2, 4)),
    square(9, 7, 2, 6),
    { image: [9, 9], kernel: [5, 3], padding: [4, 1] },
    { image: [9, 9], kernel: [7, 4], padding: [4, 2] },
    { image: [9, 9], kernel: [4, 3], padding: [4, 1] },
  ];
  it.each(names)('%s is passed over where it was seen to fail', (name) => {
    expect(seen.filter((problem) => faultOf(name, problem) === null)).toEqual([]);
  });

  it.each(names)('%s stays for usual layers, and without a zero point', (name) => {
    const usual = [
      square(56, 3, 1, 1),
      square(28, 5, 1, 2),
      square(28, 3, 2, 2),
      square(14, 7, 1, 3),
      { ...square(224, 7, 1, 3), stride: [2, 2] },
      { ...square(9, 3, 4, 4), zeroPoint: 0 },
    ];
    expect(usual.map((problem) => faultOf(name, problem))).toEqual(usual.map(() => null));
  });
});

const avx2 = 'jit_uni_int8:avx2';
const depthwise = (channels: number, problem: Problem): Problem => ({
  ...problem,
  channels: [channels, channels],
  groups: channels,
});

const onOneDnn2 = addon.oneDnnVersion().version.startsWith('2.');

describe('faults of oneDNN 2.x or 3.x', () => {
  it('wide float32 windows that hang over the right edge', () => {
    // Seen to give wrong sums on a Xeon.
    const seen: readonly Problem[] = [
      { image: [7, 15], kernel: [1, 9], dilation: [1, 2], padding: [0, 8] },
      { image: [13, 15], kernel: [2, 9], dilation: [1, 2], padding: [0, 5] },
      { image: [12, 15], kernel: [11, 9], stride: [4, 1], padding: [5, 8] },
    ];
    for (const problem of seen)
      for (const dtype of ['float32', 'uint8'] as const)
        expect(faultOf('brgconv:avx512_core', { ...problem, dtype }) !== null).toBe(onOneDnn2);
    expect(faultOf('brgconv:avx512_core', { ...square(14, 7, 1, 3), dtype: 'float32' })).toBeNull();
  });

  it('one channel with compensation', () => {
    const channel: Problem = { ...square(10, 3, 1, 1), channels: [1, 64], dtype: 'int8', zeroPoint: 0 };
    const name = 'brg_conv_fwd:avx512_core_vnni';
    expect(faultOf(name, channel) !== null).toBe(!onOneDnn2);
    expect(faultOf(name, { ...channel, dtype: 'uint8', zeroPoint: 3, padding: [0, 0] }) !== null).toBe(
      !onOneDnn2,
    );
    expect(faultOf(name, { ...channel, dtype: 'uint8' })).toBeNull();
    expect(faultOf(name, { ...channel, channels: [2, 16] })).toBeNull();
  });

  it('addends of odd channels in kernels for AVX2 and VNNI', () => {
    const channels: Problem = { ...square(10, 3, 1, 1), channels: [16, 20], addend: 'int8' };
    const name = 'brg_conv_fwd:avx2_vnni';
    expect(faultOf(name, channels) !== null).toBe(!onOneDnn2);
    expect(faultOf(name, { ...channels, channels: [16, 24] })).toBeNull();
    expect(faultOf('brg_conv_fwd:avx512_core_vnni', channels)).toBeNull();
  });

  it('compensation of 1x1 kernels by gemm', () => {
    const point: Problem = { ...square(10, 1, 1, 0), channels: [8, 8], dtype: 'int8' };
    const name = 'x64:gemm_s8s8s32:jit';
    expect(faultOf(name, point) !== null).toBe(!onOneDnn2);
    expect(faultOf(name, { ...point, ...square(10, 3, 1, 1) })).toBeNull();
    expect(faultOf(name, { ...point, dtype: 'uint8', zeroPoint: 0 })).toBeNull();
  });

  it('wide kernels on few channels in bfloat16', () => {
    // Seen to give wrong results on a Xeon with AMX.
    const seen: readonly Problem[] = [
      { image: [7, 16], kernel: [6, 12], stride: [1, 2], padding: [4, 11], channels: [8, 4] },
      { image: [11, 13], kernel: [2, 8], stride: [1, 2], padding: [2, 2], channels: [8, 65] },
      { image: [8, 15], kernel: [5, 12], stride: [2, 1], padding: [0, 1], channels: [8, 8] },
    ];
    const name = 'brg_conv_fwd:avx10_1_512_amx';
    // 2.x does not know the name.
    const faults = seen.map((problem) => faultOf(name, { ...problem, dtype: 'bfloat16' }));
    if (!onOneDnn2) expect(faults).not.toContain(null);
    expect(faultOf(name, { ...square(14, 7, 1, 3), channels: [3, 64], dtype: 'bfloat16' })).toBeNull();
  });

  it('functions of exponentials in groups of few channels', () => {
    const grouped: Problem = { ...square(14, 3, 1, 1), channels: [16, 32], groups: 4, unary: 'swish' };
    for (const name of ['jit_int8:avx512_core_vnni', 'jit_bf16:avx512_core_bf16']) {
      for (const unary of ['swish', 'sigmoid', 'gelu_erf'])
        expect(faultOf(name, { ...grouped, unary }) !== null).toBe(onOneDnn2);
      expect(faultOf(name, { ...grouped, unary: 'relu' })).toBeNull();
      expect(faultOf(name, { ...grouped, channels: [64, 64] })).toBeNull();
    }
  });

  it('addends of odd channels in depthwise kernels of AVX2', () => {
    const odd = depthwise(15, { ...square(14, 3, 1, 1), addend: 'uint8' });
    expect(faultOf(avx2, odd) !== null).toBe(onOneDnn2);
    expect(faultOf(avx2, depthwise(16, { ...square(14, 3, 1, 1), addend: 'uint8' }))).toBeNull();
    expect(faultOf(avx2, depthwise(15, square(14, 3, 1, 1)))).toBeNull();
  });
});

it('depthwise kernels of eight places on AVX2 lose their compensation, in 2.x and 3.x', () => {
  for (const kernel of [
    [4, 2],
    [2, 4],
    [1, 8],
  ]) {
    const eight = depthwise(16, { image: [14, 14], kernel, padding: [1, 0] });
    expect(faultOf(avx2, eight)).not.toBeNull();
    expect(faultOf(avx2, { ...eight, zeroPoint: 0 })).toBeNull();
  }
});
