import { checkOptions, type OptionNames } from '../../options.ts';
import { Tensor } from '../../tensor/index.ts';
import { checkAmount, checkNumber, checkPair } from '../checks.ts';
import { imageOf, type Transform } from './transform.ts';

/** How {@link affine} moves an image. */
export interface Affine {
  /** Degrees, clockwise, around the centre. */
  readonly angle: number;
  /** Pixels to the right and down. */
  readonly translate: readonly [number, number];
  /** Above 0. */
  readonly scale: number;
}

const affineNames: OptionNames<Affine> = { angle: true, translate: true, scale: true };

const isAny = () => true;
/** Its inverse is finite. */
const isScale = (factor: number) => Math.fround(factor) > 0;

/**
 * An image turned, moved and scaled, with bilinear interpolation (counterpart: `torchvision.transforms.functional.affine` without
 * shear). What lies outside of it is `fill`.
 * @throws Error for what is no float32 image [channels, height, width], and when one of the numbers is missing or out of its range.
 */
export function affine(image: Tensor, how: Affine, fill = 0): Tensor {
  checkOptions(how, affineNames, 'affine');
  const { angle, translate, scale } = how;
  checkNumber(angle, 'angle', 'affine', 'a number', isAny);
  checkPair(translate, 'translate', 'affine', 'a number', isAny);
  checkNumber(scale, 'scale', 'affine', 'above 0', isScale);
  checkNumber(fill, 'fill', 'affine', 'a number', isAny);
  const { channels, height, width } = imageOf(image, 'affine');
  const framed = withFrame(image, fill);
  const result = new Float32Array(image.numel);
  const radians = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians) / scale, Math.sin(radians) / scale];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const stride = width + 2;
  const plane = (height + 2) * stride;
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      // From where each pixel comes: the way back. What comes from further outside comes from the frame.
      const dx = column - middleX - translate[0];
      const dy = row - middleY - translate[1];
      const x = Math.min(Math.max(cos * dx + sin * dy + middleX + 1, 0), width + 1);
      const y = Math.min(Math.max(cos * dy - sin * dx + middleY + 1, 0), height + 1);
      const left = Math.min(Math.floor(x), width);
      const top = Math.min(Math.floor(y), height);
      const right = x - left;
      const below = y - top;
      for (let channel = 0; channel < channels; channel++) {
        const at = channel * plane + top * stride + left;
        const upper = framed[at] * (1 - right) + framed[at + 1] * right;
        const lower = framed[at + stride] * (1 - right) + framed[at + stride + 1] * right;
        result[(channel * height + row) * width + column] = upper * (1 - below) + lower * below;
      }
    }
  return new Tensor('float32', result, image.shape);
}

/** The image with a pixel of `fill` on every side. */
function withFrame(image: Tensor, fill: number): Float32Array {
  const { channels, height, width, data } = imageOf(image, 'affine');
  const framed = new Float32Array(channels * (height + 2) * (width + 2)).fill(fill);
  for (let channel = 0; channel < channels; channel++)
    for (let row = 0; row < height; row++) {
      const source = (channel * height + row) * width;
      const target = (channel * (height + 2) + row + 1) * (width + 2) + 1;
      framed.set(data.subarray(source, source + width), target);
    }
  return framed;
}

/** Options of {@link randomAffine}. */
export interface RandomAffineOptions {
  /** Turned by up to so many degrees in either direction. */
  readonly degrees: number;
  /** Moved by up to these shares of width and height in either direction; default: not. */
  readonly translate?: readonly [number, number];
  /** Scaled by a factor between these; default: not. */
  readonly scale?: readonly [number, number];
  /** What lies outside of the image; default 0. */
  readonly fill?: number;
}

const randomAffineOptions: OptionNames<RandomAffineOptions> = {
  degrees: true,
  translate: true,
  scale: true,
  fill: true,
};

/**
 * Turned, moved and scaled by random amounts (counterpart: `torchvision.transforms.RandomAffine` with bilinear interpolation, which
 * rounds the translation to pixels, too).
 *
 *     randomAffine({ degrees: 10, translate: [0.1, 0.1], scale: [0.9, 1.1] })
 * @throws Error when an option is unknown or out of its range.
 */
export function randomAffine(options: RandomAffineOptions): Transform {
  checkOptions(options, randomAffineOptions, 'randomAffine');
  const { degrees, translate = [0, 0], scale = [1, 1], fill = 0 } = options;
  checkAmount(degrees, 'degrees', 'randomAffine');
  checkPair(translate, 'translate', 'randomAffine', 'from 0 to 1', (value) => value >= 0 && value <= 1);
  checkPair(scale, 'scale', 'randomAffine', 'above 0', isScale);
  checkNumber(fill, 'fill', 'randomAffine', 'a number', isAny);
  return (example, random) => {
    const { height, width } = imageOf(example, 'randomAffine');
    const angle = random.uniform(-degrees, degrees);
    const [x, y] = [translate[0] * width, translate[1] * height];
    const moved = [Math.round(random.uniform(-x, x)), Math.round(random.uniform(-y, y))] as const;
    return affine(example, { angle, translate: moved, scale: random.uniform(scale[0], scale[1]) }, fill);
  };
}
