import { checkOptions, type OptionNames } from '../../options.ts';
import { Tensor } from '../../tensor/index.ts';
import { checkCount, checkNumber, checkPair } from '../checks.ts';
import { imageOf, type Transform } from './transform.ts';

/** Options of {@link randomCrop}. */
export interface RandomCropOptions {
  /** Pixels that are added to every side first; default 0. */
  readonly padding?: number;
  /** What these pixels are; default 0. */
  readonly fill?: number;
}

const cropOptions: OptionNames<RandomCropOptions> = { padding: true, fill: true };

/**
 * A part at a random place (counterpart: `torchvision.transforms.RandomCrop`).
 *
 *     randomCrop(32, { padding: 4 })
 * @param size height and width of the part, or one number for both.
 * @throws Error when a size or option is out of its range; when it is applied, for images that are too small.
 */
export function randomCrop(
  size: number | readonly [number, number],
  options: RandomCropOptions = {},
): Transform {
  checkOptions(options, cropOptions, 'randomCrop');
  const { padding = 0, fill = 0 } = options;
  const sizes = typeof size === 'number' ? [size, size] : size;
  checkPair(sizes, 'size', 'randomCrop', 'a number', () => true);
  const [rows, columns] = sizes;
  for (const extent of sizes) checkCount(extent, 'size', 'randomCrop');
  if (padding !== 0) checkCount(padding, 'padding', 'randomCrop');
  checkNumber(fill, 'fill', 'randomCrop', 'a number', () => true);
  return (example, random) => {
    const { channels, height, width, data } = imageOf(example, 'randomCrop');
    const [free, freeColumns] = [height + 2 * padding - rows, width + 2 * padding - columns];
    if (free < 0 || freeColumns < 0)
      throw new Error(
        `randomCrop: the image is ${height} x ${width} with a padding of ${padding}, smaller than ${rows} x ${columns}`,
      );
    const [top, left] = [random.integer(free + 1) - padding, random.integer(freeColumns + 1) - padding];
    const result = new Float32Array(channels * rows * columns).fill(fill);
    const [from, to] = [Math.max(left, 0), Math.min(left + columns, width)];
    for (let channel = 0; channel < channels; channel++)
      for (let row = Math.max(-top, 0); row < rows && top + row < height; row++) {
        const source = (channel * height + top + row) * width;
        const target = (channel * rows + row) * columns - left;
        if (from < to) result.set(data.subarray(source + from, source + to), target + from);
      }
    return new Tensor('float32', result, [channels, rows, columns]);
  };
}

/**
 * Left and right exchanged, with a probability (counterpart: `torchvision.transforms.RandomHorizontalFlip`).
 * @throws Error when the probability is not from 0 to 1.
 */
export function randomHorizontalFlip(probability = 0.5): Transform {
  checkNumber(probability, 'probability', 'randomHorizontalFlip', 'from 0 to 1', (p) => p >= 0 && p <= 1);
  return (example, random) => {
    const { width, data } = imageOf(example, 'randomHorizontalFlip');
    if (random.chance(probability))
      for (let row = 0; row < data.length; row += width) data.subarray(row, row + width).reverse();
    return example;
  };
}
