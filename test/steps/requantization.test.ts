import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { arrayTypeOf } from '../../lib/tensor/index.ts';
import { type Byte, bounds, byteOf, limits } from '../support/bytes.ts';
import { integers, seeded } from '../support/reference.ts';

// Octavo's loops go by the CPU, not by oneDNN's instruction set: this CPU's widest body is what is tested here.

const random = seeded(3);

/** What no byte, no integer or no number comes of. An infinite factor is no use here: 0 times it is subtracted. */
const extremes = [NaN, 1e30, -1e30, 3e9, -3e9, 2 ** 31, 40000, -40000, 32767, -32768, 0.5, 0];
const farther = [...extremes, Infinity, -Infinity];

function parameters(channels: number, spread: number, rare: readonly number[]): Float32Array {
  return Float32Array.from({ length: channels }, () =>
    random() < 0.05 ? rare[Math.floor(random() * rare.length)] : (2 * random() - 1) * spread,
  );
}

/** Batch normalization with a variance of 1 and a mean of 0: `x * factor + offset`, in two roundings. */
function wrongResults(channels: number, gaps: readonly [number, number], x: Byte, y: Byte): string[] {
  const [batch, height, width] = [2, 3, 3];
  const pixels = batch * height * width;
  const shape = [batch, channels, height, width];
  const strides = gaps.map((gap) => {
    const step = channels + gap;
    return [height * width * step, 1, width * step, step];
  });
  const zeroPoint = integers(random, 1, ...limits[y])[0];
  const [factor, offset] = [parameters(channels, 2, extremes), parameters(channels, 100, farther)];
  const input = (arrayTypeOf(x) as typeof Uint8Array).from(
    integers(random, pixels * (channels + gaps[0]), ...limits[x]),
  );
  const wrong: string[] = [];
  for (const unary of ['none', 'relu', 'hardtanh'] as const) {
    const [low, high] = bounds[unary];
    const result = new (arrayTypeOf(y))(pixels * (channels + gaps[1])).fill(77 as never) as Uint8Array;
    const constant = (value: number) => new Float32Array(channels).fill(value);
    addon.execute(
      {
        op: 'batch_norm',
        node: 'case',
        attributes: {
          ...{ eps: 0.25, hasWeight: true, hasBias: true, outputZeroPoint: zeroPoint, unary },
          ...(unary === 'hardtanh' ? { unaryAlpha: low, unaryBeta: high } : {}),
        },
      },
      [
        { dtype: x, shape, strides: strides[0], data: input },
        ...[constant(0), constant(0.75), factor, offset].map(
          (data) => ({ dtype: 'float32', shape: [channels], data }) as const,
        ),
      ],
      [{ dtype: y, shape, strides: strides[1], data: result }],
    );
    for (let at = 0; at < result.length; at++) {
      const [pixel, c] = [Math.floor(at / (channels + gaps[1])), at % (channels + gaps[1])];
      const value = input[pixel * (channels + gaps[0]) + c];
      // What lies between two pixels is not the result's.
      const real = Math.fround(Math.fround(value * factor[c]) + offset[c]);
      const expected = c < channels ? byteOf(real, bounds[unary], zeroPoint, y) : 77;
      if (result[at] !== expected)
        wrong.push(
          `${unary}: ${value} * ${factor[c]} + ${offset[c]} + ${zeroPoint} = ${result[at]}, not ${expected}`,
        );
    }
  }
  return wrong;
}

const dtypes = ['uint8', 'int8'] as const;
const pairs = dtypes.flatMap((x) => dtypes.map((y) => [x, y] as const));

describe('bytes to bytes, to the last bit', () => {
  it.each(pairs)('from %s to %s', (x, y) => {
    for (let channels = 2; channels <= 200; channels++)
      for (const gaps of [
        [0, 0],
        [5, 0],
        [0, 3],
      ] as const)
        expect({ channels, gaps, wrong: wrongResults(channels, gaps, x, y) }).toEqual({
          channels,
          gaps,
          wrong: [],
        });
  });

  it('refuses a zero point that is not a byte', () => {
    const shape = [1, 2, 1, 1];
    const parameter = { dtype: 'float32', shape: [2], data: new Float32Array(2).fill(1) } as const;
    const execute = () =>
      addon.execute(
        {
          op: 'batch_norm',
          node: 'case',
          attributes: { eps: 1, hasWeight: false, hasBias: false, outputZeroPoint: 256 },
        },
        [{ dtype: 'uint8', shape, data: new Uint8Array(2) }, parameter, parameter],
        [{ dtype: 'uint8', shape, data: new Uint8Array(2) }],
      );
    expect(execute).toThrow('a zero point that is not a uint8');
  });
});

describe('sums of products to bytes', () => {
  // AVX2 and AVX512_CORE have Octavo's own layers, whose sums are 32-bit integers.
  it.each(['AVX2', 'AVX512_CORE', 'DEFAULT'])('%s', (isa) => {
    const script = fileURLToPath(new URL('requantization-child.ts', import.meta.url));
    const environment = { ...process.env, ONEDNN_MAX_CPU_ISA: isa };
    const args = ['--import', 'tsx', script];
    expect(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env: environment }))).toEqual(
      [],
    );
  });
});
