import { describe, expect, it } from 'vitest';
import {
  choosePreprocessing,
  preprocess,
  preprocessingMetadata,
  rememberedPreprocessing,
} from '../../lib/cli/preprocessing.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const images = Tensor.from('uint8', [0, 255, 51, 102, 10, 20, 30, 40], [2, 2, 1, 2]);

describe('preprocess', () => {
  it('scales, then takes mean and std of each channel', () => {
    const result = preprocess(images, { scale: 1 / 255, mean: [0.5, 0.2], std: [0.25, 0.1] });
    expect(result.dtype).toBe('float32');
    expect(result.shape).toEqual([2, 2, 1, 2]);
    const expected = [
      -2,
      2,
      0,
      2,
      (10 / 255 - 0.5) * 4,
      (20 / 255 - 0.5) * 4,
      (30 / 255 - 0.2) * 10,
      (40 / 255 - 0.2) * 10,
    ];
    // float32 keeps about seven digits.
    for (const [i, value] of result.toArray().entries()) expect(value).toBeCloseTo(expected[i], 5);
  });

  it('names the option with the wrong number of values', () => {
    expect(() => preprocess(images, { scale: 1, mean: [0], std: [1, 2, 3] })).toThrow(
      '--std has 3 values, but the images have 2 channels',
    );
  });
});

describe('choosePreprocessing', () => {
  const remembered = { scale: 1 / 255, mean: [0.5], std: [0.25] };

  it('takes what the model remembers, but for what an option says', () => {
    expect(choosePreprocessing({}, remembered, images)).toEqual(remembered);
    expect(choosePreprocessing({ mean: [0.1] }, remembered, images)).toEqual({ ...remembered, mean: [0.1] });
    expect(choosePreprocessing({ scale: 1 }, remembered, images)).toEqual({ ...remembered, scale: 1 });
    expect(choosePreprocessing({ std: [2] }, remembered, images)).toEqual({ ...remembered, std: [2] });
  });

  it('brings bytes to 0..1 and leaves floats alone by default', () => {
    expect(choosePreprocessing({}, undefined, images).scale).toBe(1 / 255);
    expect(choosePreprocessing({}, undefined, Tensor.zeros('float32', [1])).scale).toBe(1);
  });
});

describe('rememberedPreprocessing', () => {
  const remembered = { scale: 1 / 255, mean: [0.5], std: [0.25] };
  const key = 'octavo.preprocessing';

  it('gives what was kept, and lets the user keep what they like beside it', () => {
    const metadata = { ...preprocessingMetadata(remembered), preprocessing: 'by hand' };
    expect(rememberedPreprocessing(metadata, 'm.octavo')).toEqual(remembered);
    expect(rememberedPreprocessing({ preprocessing: 'by hand' }, 'm.octavo')).toBeUndefined();
  });

  it.each([
    'by hand',
    'null',
    '{}',
    JSON.stringify({ ...remembered, scale: 0 }),
    JSON.stringify({ ...remembered, mean: [] }),
    JSON.stringify({ ...remembered, mean: ['1'] }),
    JSON.stringify({ ...remembered, std: [1, 0] }),
    JSON.stringify({ scale: 1, mean: 0, std: 1 }),
  ])('refuses %s', (text) => {
    const message = `m.octavo: its metadata '${key}' must be the JSON of { scale, mean, std }`;
    expect(() => rememberedPreprocessing({ [key]: text }, 'm.octavo')).toThrow(message);
    expect(() => rememberedPreprocessing({ [key]: text }, 'm.octavo')).toThrow(`it is ${text}`);
  });
});
