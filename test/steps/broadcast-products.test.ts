import { expect, it } from 'vitest';
import { addon } from '../../lib/native/addon.ts';
import { arrayTypeOf } from '../../lib/tensor/index.ts';
import { type Byte, byteOf, limits } from '../support/bytes.ts';
import { integers, seeded } from '../support/reference.ts';

type Stored = Byte | 'float32';

const random = seeded(7);
const scales = { a: 0.07, b: 0.011, output: 0.023 };
const zeroPoints: Record<Stored, number> = { uint8: 117, int8: -9, float32: 0 };

interface Operand {
  readonly dtype: Stored;
  readonly scale: number;
  readonly data: Float32Array;
}

function operand(dtype: Stored, scale: number, count: number): Operand {
  const data =
    dtype === 'float32'
      ? Float32Array.from({ length: count }, () => 8 * random() - 4)
      : (arrayTypeOf(dtype) as typeof Float32Array).from(integers(random, count, ...limits[dtype]));
  return { dtype, scale, data };
}

/** An element as the float32 number that it stands for. */
function realOf({ dtype, scale, data }: Operand, at: number): number {
  return dtype === 'float32' ? data[at] : Math.fround((data[at] - zeroPoints[dtype]) * Math.fround(scale));
}

/** How many products of images and a factor for each of their channels are not those of float32 arithmetic, to the last bit. */
function wrongProducts(channels: number, gap: number, dtypes: readonly Stored[], perImage: boolean): number {
  const [batch, height, width] = [2, 9, 7];
  const pixels = height * width;
  const step = channels + gap;
  const shape = [batch, channels, height, width];
  const strides = [pixels * step, 1, width * step, step];
  const a = operand(dtypes[0], scales.a, batch * pixels * step);
  const b = operand(dtypes[1], scales.b, (perImage ? batch : 1) * channels);
  const y = dtypes[2];
  const result = new (arrayTypeOf(y))(batch * pixels * step).fill(77 as never) as Float32Array;
  const attributes: Record<string, string | number> = { algorithm: 'mul' };
  const quantize = (prefix: string, dtype: Stored, scale: number) => {
    if (dtype === 'float32') return;
    attributes[`${prefix}Scale`] = scale;
    attributes[`${prefix}ZeroPoint`] = zeroPoints[dtype];
  };
  quantize('a', a.dtype, a.scale);
  quantize('b', b.dtype, b.scale);
  quantize('output', y, scales.output);
  addon.execute(
    { op: 'binary', node: 'case', attributes },
    [
      { dtype: a.dtype, shape, strides, data: a.data },
      { dtype: b.dtype, shape: [perImage ? batch : 1, channels, 1, 1], data: b.data },
    ],
    [{ dtype: y, shape, strides, data: result }],
  );
  const inverse = Math.fround(1 / scales.output);
  return result.filter((value, at) => {
    const c = at % step;
    // What lies between two pixels is not the result's.
    if (c >= channels) return value !== 77;
    const image = perImage ? Math.floor(at / (pixels * step)) : 0;
    const product = Math.fround(realOf(a, at) * realOf(b, image * channels + c));
    if (y === 'float32') return value !== product;
    return value !== byteOf(Math.fround(product * inverse), [-Infinity, Infinity], zeroPoints[y], y);
  }).length;
}

const stored = ['float32', 'uint8', 'int8'] as const;
const cases = stored.flatMap((a) => stored.flatMap((b) => stored.map((y) => [a, b, y] as const)));

// 600 channels are more than the loop computes at once.
const channelCounts = [
  1, 2, 3, 7, 8, 16, 17, 31, 32, 33, 63, 64, 65, 96, 100, 128, 144, 200, 256, 257, 300, 512, 600,
];

it.each(cases)('%s times %s to %s', (...dtypes) => {
  for (const channels of channelCounts)
    for (const gap of [0, 5])
      for (const perImage of [false, true]) {
        const wrong = wrongProducts(channels, gap, dtypes, perImage);
        expect({ channels, gap, perImage, wrong }).toEqual({ channels, gap, perImage, wrong: 0 });
      }
});
