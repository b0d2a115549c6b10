import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Pixels, type Preprocessing, preprocessImage } from '../../lib/data/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import type { TensorInfo } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { modelOf, symbolic, withRanges } from './models.ts';

const fixtures = fileURLToPath(new URL('../fixtures/images/', import.meta.url));
const names = ['alpha.png', 'gray.png', 'large.webp', 'palette.png', 'tall.jpg', 'wide.png'];

const imagesOf = (size: number, dtype: TensorInfo['dtype'] = 'float32'): TensorInfo => ({
  name: 'x',
  dtype,
  shape: [symbolic('s0'), 3, size, size],
});

async function decode(name: string): Promise<Pixels> {
  const { data, info } = await sharp(`${fixtures}${name}`, { ignoreIcc: true })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

describe('an image, beside torchvision', () => {
  let expected: ReadonlyMap<string, Tensor>;
  beforeAll(async () => {
    expected = await loadNpz(`${fixtures}expected.npz`);
  });

  it.each(names)('is resized, cropped and normalized: %s', async (name) => {
    const framing = { resizeSize: 40, cropSize: 33, interpolation: 'bicubic' } as const;
    const theirs = expected.get(`bicubic/${name}`)!;
    const image = await decode(name);
    const bytes = preprocessImage(image, { model: modelOf(imagesOf(33, 'uint8')), preprocessing: framing });
    expect(bytes.x).toEqual(new Tensor('uint8', theirs.data as Uint8Array, [1, 3, 33, 33]));
    const [mean, std] = [
      [0.5, 0.25, 0.125],
      [0.5, 0.25, 2],
    ];
    const { x } = preprocessImage(image, {
      model: modelOf(imagesOf(33)),
      preprocessing: { ...framing, mean, std },
    });
    expect(x).toMatchObject({ dtype: 'float32', shape: [1, 3, 33, 33] });
    for (const [i, byte] of (theirs.data as Uint8Array).entries()) {
      const channel = Math.floor(i / 33 ** 2);
      // float32 keeps seven digits.
      expect(x.data[i]).toBeCloseTo((byte / 255 - mean[channel]) / std[channel], 5);
    }
  });
});

describe('preprocessImage refuses', () => {
  const model = modelOf(imagesOf(4));
  const white = (width: number, height: number): Pixels => ({
    width,
    height,
    data: new Uint8Array(3 * width * height).fill(255),
  });

  it.each<[string, Pixels, Preprocessing, string]>([
    [
      'an image of another size than the model needs',
      white(5, 4),
      {},
      "preprocessImage: the image is 5 x 4, but input 'x' needs 4 x 4",
    ],
    [
      'one that is smaller than the crop',
      white(3, 3),
      { cropSize: 4 },
      'the image is 3 x 3, smaller than cropSize 4',
    ],
    [
      'an impossible preprocessing',
      white(4, 4),
      { std: [0] },
      'preprocessImage: preprocessing.std must be a list',
    ],
    ['a width that is none', { ...white(4, 4), width: 0 }, {}, 'width must be a whole number of pixels'],
    ['another number of bytes', { ...white(4, 4), height: 5 }, {}, 'a Uint8Array of 60 bytes'],
    [
      'a list of numbers',
      { ...white(1, 1), data: [1, 2, 3] as unknown as Uint8Array },
      {},
      'of 1 x 1 pixels; got object',
    ],
  ])('%s', (_, image, preprocessing, message) => {
    expect(() => preprocessImage(image, { model, preprocessing })).toThrow(message);
  });

  it('a model that is not for one image', () => {
    const image = white(4, 4);
    expect(() => preprocessImage(image, { model: modelOf(imagesOf(4), imagesOf(4)) })).toThrow(
      'images are for a model with one input',
    );
    expect(() => preprocessImage(image, { model: modelOf({ ...imagesOf(4), shape: [8, 3, 4, 4] }) })).toThrow(
      "preprocessImage: input 'x'",
    );
    expect(() =>
      preprocessImage(image, { model: withRanges({ s0: { min: 4, max: 8 } }, imagesOf(4)) }),
    ).toThrow('preprocessImage: ');
  });
});
