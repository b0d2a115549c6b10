import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import {
  type ByteConvolution,
  between,
  isRight,
  pick,
  plainConvolution,
  type Random,
  randomConvolution,
  runConvolution,
} from '../support/byte-convolutions.ts';
import { seeded } from '../support/reference.ts';

const { isa } = addon.oneDnnVersion();
const own = isa.includes('amx') ? 'octavo:tiles' : 'octavo:vnni';
const isOwn = (implementation: string) => implementation.includes(own);

/** With VNNI alone, oneDNN's kernel is taken for most of these unless ours is asked for. */
const runOwn = (problem: ByteConvolution, random: Random) =>
  runConvolution({ wanted: own, ...problem }, random);

const kernels = [
  [1, 1],
  [3, 3],
  [3, 3],
  [5, 5],
  [7, 7],
  [1, 5],
  [5, 1],
  [2, 4],
  [4, 3],
];

/** Channels with and without whole tiles and blocks of tiles. */
function randomChannels(random: Random) {
  const inputs = pick(random, [between(random, 9, 140), 64, 128, 160]);
  const outputs = pick(random, [between(random, 1, 200), 16, 32, 64, 128]);
  return { inputs, outputs, groups: 1 };
}

const problems: Readonly<Record<string, (random: Random) => ByteConvolution>> = {
  pixels: (random) => ({
    ...randomConvolution(random, randomChannels(random), [1, 1]),
    stride: [1, 1],
    padding: [0, 0],
    paddingEnd: [0, 0],
  }),
  cells: (random) => randomConvolution(random, randomChannels(random), pick(random, kernels)),
  windows: (random) => {
    const channels = { ...randomChannels(random), inputs: between(random, 1, 5) };
    return { ...randomConvolution(random, channels, pick(random, kernels)), dilation: [1, 1] };
  },
};

const layer: ByteConvolution = {
  ...plainConvolution,
  shape: [2, 96, 9, 11],
  outputs: 80,
  groups: 1,
};

// Elsewhere oneDNN computes these layers, and test/onednn tests it.
describe.runIf(isa.startsWith('avx512_core_'))('layers of 8-bit integers on AMX and AVX-512 VNNI', () => {
  it.each(Object.keys(problems))(
    'random problems give the nearest results to those in float64: %s',
    (source) => {
      const random = seeded(1);
      const outcomes = Array.from({ length: 60 }, () => {
        const problem = problems[source](random);
        const { implementation, worst, others } = runOwn(problem, random);
        return { ...problem, implementation, worst, others };
      });
      expect(outcomes.filter((outcome) => !isRight(outcome))).toEqual([]);
      const ours = outcomes.filter(({ implementation }) => implementation.includes(`${own}:${source}`));
      expect(ours.length).toBeGreaterThan(15);
    },
  );

  it('an image of more rows than a copy holds is convolved in bands', () => {
    const large = { ...layer, shape: [1, 96, 90, 70], outputs: 16 };
    const { implementation, ...outcome } = runOwn(large, seeded(2));
    expect({ own: isOwn(implementation), right: isRight(outcome) }).toEqual({ own: true, right: true });
  });

  it('weights and bias may be known only at run time', () => {
    const { implementation, ...outcome } = runOwn({ ...layer, unknown: true }, seeded(3));
    expect({ own: isOwn(implementation), right: isRight(outcome) }).toEqual({ own: true, right: true });
  });

  it.each(['uint8', 'int8'] as const)('an addend of %s may be where the result belongs', (dtype) => {
    for (const kernel of [
      [1, 1],
      [3, 3],
    ])
      for (const outputs of [64, 40, 7, 200]) {
        const padding = kernel.map((k) => k >> 1);
        const fused: ByteConvolution = {
          ...layer,
          kernel,
          padding,
          paddingEnd: padding,
          outputs,
          output: dtype,
        };
        const { implementation, ...outcome } = runOwn({ ...fused, addend: dtype, inPlace: true }, seeded(4));
        expect({ kernel, outputs, own: isOwn(implementation), right: isRight(outcome) }).toEqual({
          kernel,
          outputs,
          own: true,
          right: true,
        });
      }
  });

  it('functions that are no lines, and less than a tile of pixels, need not be asked for', () => {
    const pixel = { ...layer, kernel: [1, 1], padding: [0, 0], paddingEnd: [0, 0] };
    for (const problem of [
      { ...pixel, unary: 'swish' },
      { ...pixel, shape: [1, 96, 3, 5] },
    ]) {
      const { implementation, ...outcome } = runConvolution(problem, seeded(6));
      expect({ own: isOwn(implementation), right: isRight(outcome) }).toEqual({ own: true, right: true });
    }
  });

  it('a kernel that was asked for is taken, and gives the same results', () => {
    const wanted = isa.includes('amx') ? 'brgconv:avx512_core_amx_int8' : 'brgconv:avx512_core_vnni';
    const ours = runOwn(layer, seeded(5));
    const oneDnns = runOwn({ ...layer, wanted }, seeded(5));
    expect(isOwn(ours.implementation)).toBe(true);
    expect(isOwn(oneDnns.implementation)).toBe(false);
    const apart = ours.y.map((value, i) => Math.abs(value - oneDnns.y[i]));
    // One step near to ties.
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    expect(apart.filter((steps) => steps > 0).length).toBeLessThan(apart.length / 1000);
  });

  it('results beyond 32 bits of a scale known only at run time saturate at the right end', () => {
    const data = addon.createConstant('int8', [16, 64], new Int8Array(1024).fill(127));
    const y = new Uint8Array(256);
    addon.execute(
      {
        op: 'linear',
        node: 'case',
        attributes: { dynamicSource: true, weightScales: Float32Array.of(0.05), outputScale: 0.0004 },
      },
      [
        { dtype: 'uint8', shape: [16, 64], data: new Uint8Array(1024).fill(255) },
        { dtype: 'int8', shape: [16, 64], data },
        { dtype: 'float32', shape: [1], data: Float32Array.of(10) },
        { dtype: 'int64', shape: [1], data: BigInt64Array.of(0n) },
      ],
      [{ dtype: 'uint8', shape: [16, 16], data: y }],
    );
    // 64 * 255 * 127 * 10 * 0.05 / 0.0004 is 2.6e9.
    expect([...y]).toEqual(new Array(256).fill(255));
  });
});
