import { checkOptions, type OptionNames } from '../../options.ts';
import type { Tensor } from '../../tensor/index.ts';
import { checkAmount } from '../checks.ts';
import { imageOf, type Transform } from './transform.ts';

/** Shares of red, green and blue in the grey that people see (ITU-R 601-2), as torchvision rounds them. */
const luma = [0.2989, 0.587, 0.114];

/**
 * Colours from 0 to 1 times a factor, in place (counterpart: `torchvision.transforms.functional.adjust_brightness`).
 * @throws Error for what is no float32 image [channels, height, width], and for a factor that is negative or no number.
 */
export function adjustBrightness(image: Tensor, factor: number): Tensor {
  checkAmount(factor, 'factor', 'adjustBrightness');
  blend(imageOf(image, 'adjustBrightness').data, factor, 0);
  return image;
}

/**
 * How far colours from 0 to 1 are from the image's mean grey times a factor, in place (counterpart:
 * `torchvision.transforms.functional.adjust_contrast`).
 * @throws Error for what is no float32 image [channels, height, width], and for a factor that is negative or no number.
 */
export function adjustContrast(image: Tensor, factor: number): Tensor {
  checkAmount(factor, 'factor', 'adjustContrast');
  const { channels, height, width, data } = imageOf(image, 'adjustContrast');
  const plane = height * width;
  let sum = 0;
  for (let channel = 0; channel < channels; channel++) {
    const share = channels === 3 ? luma[channel] : 1 / channels;
    for (let i = channel * plane; i < (channel + 1) * plane; i++) sum += data[i] * share;
  }
  blend(data, factor, sum / plane);
  return image;
}

/** Colours become what is between a grey and them, or beyond, but not below 0 or above 1. */
function blend(colors: Float32Array, factor: number, grey: number): void {
  for (let i = 0; i < colors.length; i++)
    colors[i] = Math.min(Math.max(factor * colors[i] + (1 - factor) * grey, 0), 1);
}

/** Options of {@link colorJitter}. */
export interface ColorJitterOptions {
  /** Brightness changes by a factor of up to so much more or less than 1; default 0. */
  readonly brightness?: number;
  /** Contrast changes likewise; default 0. */
  readonly contrast?: number;
}

const jitterOptions: OptionNames<ColorJitterOptions> = { brightness: true, contrast: true };

/**
 * Brightness and contrast changed at random, for colours from 0 to 1 (counterpart: `torchvision.transforms.ColorJitter`).
 *
 *     colorJitter({ brightness: 0.2, contrast: 0.2 })
 * @throws Error when an option is unknown or out of its range.
 */
export function colorJitter(options: ColorJitterOptions): Transform {
  checkOptions(options, jitterOptions, 'colorJitter');
  const { brightness = 0, contrast = 0 } = options;
  for (const [name, value] of Object.entries({ brightness, contrast }))
    checkAmount(value, name, 'colorJitter');
  return (example, random) => {
    const factor = (amount: number) => random.uniform(Math.max(0, 1 - amount), 1 + amount);
    const [lighter, stronger] = [factor(brightness), factor(contrast)];
    return random.chance(0.5)
      ? adjustContrast(adjustBrightness(example, lighter), stronger)
      : adjustBrightness(adjustContrast(example, stronger), lighter);
  };
}
