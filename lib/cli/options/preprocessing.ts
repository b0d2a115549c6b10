import { type Command, Option } from 'commander';
import { interpolations, type Preprocessing } from '../../data/preprocessing.ts';
import { nonZeroNumber, nonZeroNumbers, numbers, positiveInteger } from '../option-parsers.ts';

export type { Preprocessing };

/** Adds an option for each part of the preprocessing to a command that reads images. */
export function addPreprocessingOptions(command: Command): Command {
  return command
    .option('--mean <m>', 'mean to subtract, one or one a channel', numbers)
    .option('--std <s>', 'standard deviation to divide by, one or one a channel', nonZeroNumbers)
    .option(
      '--scale <f>',
      'factor before mean and std (default: 1/255 for uint8 images, otherwise 1)',
      nonZeroNumber,
    )
    .option(
      '--resize-size <n>',
      'pixels to which the shorter side of image files is resized',
      positiveInteger,
    )
    .option('--crop-size <n>', 'side of the square cut from the centre of image files', positiveInteger)
    .addOption(
      new Option('--interpolation <kernel>', 'kernel of resizing (default: bilinear)').choices(
        interpolations,
      ),
    );
}

/**
 * The preprocessing to use, each part for itself: what the options say, else what the model's file remembers.
 * @param isFolder whether the data are image files: arrays have the model's size already.
 */
export function choosePreprocessing(
  options: Preprocessing,
  remembered: Preprocessing | undefined,
  isFolder: boolean,
): Preprocessing {
  const { resizeSize, cropSize, interpolation, ...normalization } = remembered ?? {};
  const before: Preprocessing = isFolder ? { ...remembered } : normalization;
  const names = ['scale', 'mean', 'std', 'resizeSize', 'cropSize', 'interpolation'] as const;
  const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return { ...before, ...Object.fromEntries(given) };
}
