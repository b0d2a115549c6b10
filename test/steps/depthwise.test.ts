import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import type { Attributes } from '../../lib/native/addon-types.ts';
import {
  type ByteConvolution,
  between,
  isRight,
  pick,
  plainConvolution,
  type Random,
  randomConvolution,
  runConvolution,
  slice,
  sliceOf,
} from '../support/byte-convolutions.ts';
import { seeded } from '../support/reference.ts';

/** Those of AVX-512 VNNI, which are the kernel's, as far as oneDNN may use them. */
const hasVnni = addon.oneDnnVersion().isa.startsWith('avx512_core_');
const isOwn = (implementation: string) => implementation.includes('octavo:depthwise');

function randomProblem(random: Random): ByteConvolution {
  const kernel = pick(random, [
    [3, 3],
    [3, 3],
    [5, 5],
    [7, 7],
    [1, 5],
    [5, 1],
    [2, 4],
    [9, 9],
    [4, 3],
    [1, 1],
  ]);
  const channels = between(random, 2, pick(random, [40, 200]));
  return randomConvolution(random, { inputs: channels, outputs: channels, groups: channels }, kernel);
}

const problem: ByteConvolution = {
  ...plainConvolution,
  shape: [2, 80, 9, 11],
  outputs: 80,
  groups: 80,
};

// Elsewhere oneDNN computes these layers, and test/onednn/qconv.test.ts tests it.
describe.runIf(hasVnni)('depthwise convolution of 8-bit integers', () => {
  it.each([1, 2, 3, 4])('random problems give the nearest results to those in float64 (%i)', (seed) => {
    const random = seeded(seed);
    const outcomes = Array.from({ length: 300 }, () => {
      const problem = randomProblem(random);
      const { implementation, worst, others } = runConvolution(problem, random);
      return { ...problem, implementation, worst, others };
    });
    expect(outcomes.filter((outcome) => !isRight(outcome))).toEqual([]);
    // All but those whose windows are too large.
    const own = outcomes.filter(({ implementation }) => isOwn(implementation));
    expect(own.length).toBeGreaterThan(250);
  });

  it('weights and bias may be known only at run time', () => {
    const { implementation, ...outcome } = runConvolution({ ...problem, unknown: true }, seeded(5));
    expect({ own: isOwn(implementation), right: isRight(outcome) }).toEqual({ own: true, right: true });
  });

  it.each(['uint8', 'int8'] as const)('an addend of %s may be where the result belongs', (dtype) => {
    for (const channels of [64, 32, 16, 40, 7, 200])
      for (const unary of ['none', 'swish']) {
        const shape = [2, channels, 9, 11];
        const layer = { shape, outputs: channels, groups: channels };
        const inPlace: ByteConvolution = {
          ...problem,
          ...layer,
          unary,
          output: dtype,
          addend: dtype,
          inPlace: true,
        };
        const { implementation, ...outcome } = runConvolution(inPlace, seeded(6));
        expect({ channels, own: isOwn(implementation), right: isRight(outcome) }).toEqual({
          channels,
          own: true,
          right: true,
        });
      }
  });

  it('a kernel that was asked for is taken, and gives the same results', () => {
    const wanted = 'jit_int8:avx512_core_vnni';
    for (const unary of ['none', 'hardtanh', 'hardswish', 'swish']) {
      const ours = runConvolution({ ...problem, unary }, seeded(7));
      const oneDnns = runConvolution({ ...problem, unary, wanted }, seeded(7));
      expect([isOwn(ours.implementation), oneDnns.implementation]).toEqual([true, wanted]);
      const apart = ours.y.map((value, i) => Math.abs(value - oneDnns.y[i]));
      // One step near to ties.
      expect(Math.max(...apart)).toBeLessThanOrEqual(1);
      expect(apart.filter((steps) => steps > 0).length).toBeLessThan(apart.length / 1000);
    }
  });

  /** Of a layer of 16 channels and 3x3 windows on 5x5 images. */
  const implementationOf = (attributes: Attributes) =>
    addon.execute(
      {
        op: 'convolution',
        node: 'case',
        attributes: { padding: [1, 1], dilation: [1, 1], groups: 16, xScale: 0.01, ...attributes },
      },
      [
        sliceOf('uint8', [1, 16, 5, 5], 0, new Array(400).fill(255)),
        {
          dtype: 'int8',
          shape: [16, 1, 3, 3],
          data: addon.createConstant('int8', [16, 1, 3, 3], new Int8Array(144).fill(1)),
        },
      ],
      [
        slice(
          'uint8',
          [1, 16, ...(attributes.stride as number[]).map((stride) => (stride === 1 ? 5 : 3))],
          0,
        ),
      ],
    );

  it('results that may leave 32 bits are left to oneDNN', () => {
    const names = [0.01, 1e9].map((xScale) => implementationOf({ stride: [1, 1], xScale }));
    expect(names.map(isOwn)).toEqual([true, false]);
    // A curve's bound is as large as the reciprocal of the scale.
    const curves = [0.01, 1e-10].map((outputScale) =>
      implementationOf({ stride: [1, 1], unary: 'sigmoid', xScale: 1e-8, outputScale }),
    );
    expect(curves.map(isOwn)).toEqual([true, false]);
  });

  it.runIf(addon.oneDnnVersion().version.startsWith('2.'))('so are simple functions of windows apart', () => {
    const names = ['relu', 'swish'].map((unary) => implementationOf({ stride: [2, 2], unary }));
    expect(names.map(isOwn)).toEqual([false, true]);
  });
});
