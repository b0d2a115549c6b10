import { describe, expect, it } from 'vitest';
import { chooseNormalization, normalize } from '../../lib/data/preprocessing.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const images = Tensor.from('uint8', [0, 255, 51, 102, 10, 20, 30, 40], [2, 2, 1, 2]);

describe('normalize', () => {
  it('scales, then takes mean and std of each channel', () => {
    const result = normalize(images, { scale: 1 / 255, mean: [0.5, 0.2], std: [0.25, 0.1] });
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
});

describe('chooseNormalization', () => {
  it('has the usual values for what is not given', () => {
    expect(chooseNormalization({}, 1 / 255, 3)).toEqual({ scale: 1 / 255, mean: [0], std: [1] });
    expect(chooseNormalization({ scale: 2, std: [1, 2, 3] }, 1, 3)).toEqual({
      scale: 2,
      mean: [0],
      std: [1, 2, 3],
    });
  });

  it('names the list with the wrong number of values', () => {
    expect(() => chooseNormalization({ std: [1, 2, 3] }, 1, 2)).toThrow(
      'preprocessing.std has 3 values, but the images have 2 channels',
    );
  });
});
