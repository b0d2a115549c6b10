import type { Command } from 'commander';
import type { ModelMetadata } from '../runtime/index.ts';
import { Tensor } from '../tensor/index.ts';
import { nonZeroNumber, nonZeroNumbers, numbers } from './option-parsers.ts';

/** How stored images become a model's input: `(x * scale - mean) / std`, a mean and a std for all channels or for each. */
export interface Preprocessing {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Beside whatever a user keeps with a model. */
const metadataKey = 'octavo.preprocessing';

/** What a model's file remembers of its preprocessing. */
export function preprocessingMetadata(preprocessing: Preprocessing): ModelMetadata {
  return { [metadataKey]: JSON.stringify(preprocessing) };
}

/**
 * The preprocessing that a model's file remembers, if any.
 * @param path of the file, for messages.
 * @throws Error when what the file remembers is no preprocessing.
 */
export function rememberedPreprocessing(metadata: ModelMetadata, path: string): Preprocessing | undefined {
  const text = metadata[metadataKey];
  if (text === undefined) return undefined;
  const value = parsed(text);
  if (isPreprocessing(value)) return value;
  throw new Error(
    `${path}: its metadata '${metadataKey}' must be the JSON of { scale, mean, std }, one number and two lists of ` +
      `numbers, scale and std without 0; it is ${text}`,
  );
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isPreprocessing(value: unknown): value is Preprocessing {
  const { scale, mean, std } = Object(value) as Partial<Record<keyof Preprocessing, unknown>>;
  const isFactor = (item: unknown) => Number.isFinite(item) && item !== 0;
  const isList = (list: unknown, is: (item: unknown) => boolean) =>
    Array.isArray(list) && list.length > 0 && list.every(is);
  return isFactor(scale) && isList(mean, Number.isFinite) && isList(std, isFactor);
}

export interface PreprocessingOptions {
  readonly scale?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** Adds `--scale`, `--mean` and `--std` to a command that reads images. */
export function addPreprocessingOptions(command: Command): Command {
  return command
    .option('--mean <m>', 'mean to subtract, one or one a channel', numbers)
    .option('--std <s>', 'standard deviation to divide by, one or one a channel', nonZeroNumbers)
    .option(
      '--scale <f>',
      'factor before mean and std (default: 1/255 for uint8 images, otherwise 1)',
      nonZeroNumber,
    );
}

/**
 * The preprocessing to use, each part for itself: what the options say; else what the model's file remembers; else the
 * scale that suits the images' dtype, and neither mean nor std.
 */
export function choosePreprocessing(
  options: PreprocessingOptions,
  remembered: Preprocessing | undefined,
  images: Tensor,
): Preprocessing {
  const usual = { scale: images.dtype === 'uint8' ? 1 / 255 : 1, mean: [0], std: [1] };
  return {
    scale: options.scale ?? remembered?.scale ?? usual.scale,
    mean: options.mean ?? remembered?.mean ?? usual.mean,
    std: options.std ?? remembered?.std ?? usual.std,
  };
}

/**
 * Images [n, channels, ...] of any numeric dtype as the model's float32 input.
 * @throws Error when there are several means or stds, but not one for each channel.
 */
export function preprocess(images: Tensor, { scale, mean, std }: Preprocessing): Tensor {
  const [count, channels = 1] = images.shape;
  for (const [name, values] of Object.entries({ mean, std }))
    if (values.length !== 1 && values.length !== channels)
      throw new Error(`--${name} has ${values.length} values, but the images have ${channels} channels`);
  const source = images.data as ArrayLike<number>;
  const result = new Float32Array(source.length);
  const { fround } = Math;
  const plane = source.length / (count * channels) || 0;
  for (
    let start = 0, channel = 0;
    start < source.length;
    start += plane, channel = (channel + 1) % channels
  ) {
    const m = fround(mean[mean.length === 1 ? 0 : channel]);
    const s = fround(std[std.length === 1 ? 0 : channel]);
    // Rounded to float32 after each step, as PyTorch computes it: observers then find its very scales.
    for (let i = start; i < start + plane; i++) result[i] = fround(fround(source[i] * scale) - m) / s;
  }
  return new Tensor('float32', result, images.shape);
}
