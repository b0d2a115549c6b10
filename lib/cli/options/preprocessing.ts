import { type Command, Option } from 'commander';
import {
  type ChosenPreprocessing,
  checkPreprocessing,
  interpolations,
  type Preprocessing,
} from '../../data/preprocessing.ts';
import type { ModelMetadata } from '../../runtime/index.ts';
import { nonZeroNumber, nonZeroNumbers, numbers, positiveInteger } from '../option-parsers.ts';

export type { Preprocessing };

/** Beside whatever a user keeps with a model. */
const metadataKey = 'octavo.preprocessing';

/** What a model's file remembers of its preprocessing. */
export function preprocessingMetadata(preprocessing: ChosenPreprocessing): ModelMetadata {
  return { [metadataKey]: JSON.stringify(preprocessing) };
}

/**
 * The preprocessing that a model's file remembers, if any.
 * @param path of the file, for messages.
 * @throws Error when what the file remembers is not a preprocessing.
 */
export function rememberedPreprocessing(metadata: ModelMetadata, path: string): Preprocessing | undefined {
  const text = metadata[metadataKey];
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Preprocessing;
    checkPreprocessing(value, metadataKey);
    return value;
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `${path}: its metadata '${metadataKey}' is not a preprocessing: ${message}; it is ${text}`,
      {
        cause: error,
      },
    );
  }
}

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
