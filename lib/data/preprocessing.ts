import { checkOptions, type OptionNames } from '../options.ts';
import { Tensor } from '../tensor/index.ts';

/** How pixels become a model's float32 input: `(x * scale - mean) / std`, with one mean and std or one a channel. */
export interface Normalization {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Kernels of resizing (torchvision: `InterpolationMode`), antialiased as Pillow computes them. */
export const interpolations = ['bilinear', 'bicubic'] as const;
/**
 * The kernel that images are resized with (counterpart: `torchvision.transforms.InterpolationMode`).
 * @useDeclaredType
 */
export type Interpolation = (typeof interpolations)[number];

/** How image files become pixels of the model's size: resized, then cropped. */
export interface Framing {
  /** Pixels of the shorter side after resizing, which keeps the proportions (`resize_size`). Default: not resized. */
  readonly resizeSize?: number;
  /** Side of the square that is cut from the centre, in pixels (`crop_size`). Default: not cropped. */
  readonly cropSize?: number;
  /** Kernel of resizing. Default: `bilinear`. */
  readonly interpolation?: Interpolation;
}

/**
 * What is done to pixels before the model sees them, named as torchvision's presets name it
 * (`torchvision.transforms._presets.ImageClassification`). By default `scale` is 1/255 for uint8 and otherwise 1, `mean` is 0,
 * `std` is 1.
 */
export type Preprocessing = Framing & Partial<Normalization>;

/** The preprocessing of a dataset, with nothing left open. */
export type ChosenPreprocessing = Framing & Normalization;

const normalizing: OptionNames<Normalization> = { scale: true, mean: true, std: true };
const framing: OptionNames<Framing> = { resizeSize: true, cropSize: true, interpolation: true };

/**
 * @param where the function that accepts the preprocessing, for messages.
 * @throws Error that names an option that is unknown or has an impossible value.
 */
export function checkPreprocessing(given: Preprocessing, where: string): void {
  checkOptions(given, { ...framing, ...normalizing }, `${where}: preprocessing`);
  const { scale, mean, std, resizeSize, cropSize, interpolation } = given;
  const refuse = (name: string, must: string, got: unknown) => {
    throw new Error(`${where}: preprocessing.${name} must be ${must}, got ${JSON.stringify(got)}`);
  };
  if (scale !== undefined && !isFactor(scale)) refuse('scale', 'a number other than 0', scale);
  if (mean !== undefined && !isListOf(mean, Number.isFinite)) refuse('mean', 'a list of numbers', mean);
  if (std !== undefined && !isListOf(std, isFactor)) refuse('std', 'a list of numbers other than 0', std);
  for (const [name, size] of Object.entries({ resizeSize, cropSize }))
    if (size !== undefined && !isSize(size)) refuse(name, 'a whole number of pixels above 0', size);
  if (interpolation !== undefined && !interpolations.includes(interpolation))
    refuse('interpolation', interpolations.join(' or '), interpolation);
  if (resizeSize !== undefined && cropSize !== undefined && cropSize > resizeSize)
    refuse('cropSize', `at most resizeSize, ${resizeSize}`, cropSize);
}

const isFactor = (value: unknown) => Number.isFinite(value) && value !== 0;
const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
const isListOf = (list: unknown, is: (item: unknown) => boolean) =>
  Array.isArray(list) && list.length > 0 && list.every(is);

/**
 * Refuses what does not apply to a kind of data, unless it changes nothing.
 * @param path of the data, for messages.
 * @throws Error that names the first option that does not apply.
 */
export function refusePreprocessing(
  given: Preprocessing,
  kind: 'framing' | 'normalization',
  path: string,
  reason: string,
): void {
  const names = Object.keys(kind === 'framing' ? framing : normalizing) as (keyof Preprocessing)[];
  const name = names.find((each) => given[each] !== undefined && !changesNothing(each, given));
  if (name !== undefined) throw new Error(`${path}: preprocessing.${name} does not apply: ${reason}`);
}

function changesNothing(name: keyof Preprocessing, { scale, mean = [], std = [] }: Preprocessing): boolean {
  if (name === 'scale') return scale === 1;
  if (name === 'mean') return mean.every((value) => value === 0);
  return name === 'std' && std.every((value) => value === 1);
}

/** Whether pixels stay as they are. */
export const isIdentity = (normalization: Normalization): boolean =>
  (['scale', 'mean', 'std'] as const).every((name) => changesNothing(name, normalization));

/**
 * The normalization to use, with the usual values for what is not given.
 * @param usualScale 1/255 where the pixels are bytes.
 * @throws Error when there are several means or stds, but not one for each channel.
 */
export function chooseNormalization(
  { scale, mean = [0], std = [1] }: Preprocessing,
  usualScale: number,
  channels: number,
): Normalization {
  for (const [name, values] of Object.entries({ mean, std }))
    if (values.length !== 1 && values.length !== channels)
      throw new Error(
        `preprocessing.${name} has ${values.length} values, but the images have ${channels} channels`,
      );
  return { scale: scale ?? usualScale, mean, std };
}

/** Images [n, channels, ...] of any numeric dtype as the model's float32 input. */
export function normalize(images: Tensor, { scale, mean, std }: Normalization): Tensor {
  const [count, channels = 1] = images.shape;
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
