import { checkOptions, type OptionNames } from '../options.ts';
import type { Tensor } from '../tensor/index.ts';
import { frame } from './image-file.ts';
import { batchOf, imageInput } from './image-input.ts';
import { type DatasetModel, InputList } from './model-inputs.ts';
import { checkPreprocessing, type Preprocessing } from './preprocessing.ts';
import { imageChannels, type Pixels } from './resample.ts';

/** Options of {@link preprocessImage}. */
export interface PreprocessImageOptions {
  /** The model that the image is for: captured or compiled. */
  readonly model: DatasetModel;
  /** What is done to the pixels: what the model was trained with ({@link rememberedPreprocessing}). */
  readonly preprocessing?: Preprocessing;
}

const known: OptionNames<PreprocessImageOptions> = { model: true, preprocessing: true };
const where = 'preprocessImage';

/**
 * One image as the input of a model, a batch of 1: the same numbers as {@link readDataset} makes of the same pixels, so that what a service
 * answers is what was measured (counterpart: `torchvision.transforms._presets.ImageClassification`). It computes on the calling thread,
 * in proportion to the image's pixels; bring photos near to the size that the model needs first.
 *
 * @example
 * const { data, info } = await sharp(file).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
 * const inputs = preprocessImage({ width: info.width, height: info.height, data }, { model, preprocessing });
 * const { logits } = await model.run(inputs);
 *
 * @param image red, green and blue of each pixel, row by row: `3 * width * height` bytes.
 * @returns the tensor [1, 3, height, width] by the name of the model's input.
 * @throws Error when the image is none, the model has other inputs than one of float32 or uint8 `[n, 3, height, width]`, or the
 * preprocessing does not lead to the size that it needs.
 */
export function preprocessImage(
  image: Pixels,
  options: PreprocessImageOptions,
): Readonly<Record<string, Tensor>> {
  checkOptions(options, known, where);
  const { model, preprocessing = {} } = options;
  checkPreprocessing(preprocessing, where);
  checkPixels(image);
  const inputs = new InputList(model);
  const input = imageInput(inputs, preprocessing, where);
  const tensor = batchOf([[where, frame(image, input.framing, where)]], input);
  inputs.check({ [input.info.name]: tensor.shape }, where);
  return { [input.info.name]: tensor };
}

function checkPixels({ width, height, data }: Pixels): void {
  for (const [name, size] of Object.entries({ width, height }))
    if (!Number.isSafeInteger(size) || size < 1)
      throw new Error(`${where}: ${name} must be a whole number of pixels above 0, got ${String(size)}`);
  const bytes = imageChannels * width * height;
  if (!(data instanceof Uint8Array) || data.length !== bytes)
    throw new Error(
      `${where}: data must be a Uint8Array of ${bytes} bytes, red, green and blue of ${width} x ${height} pixels; ` +
        `got ${data instanceof Uint8Array ? `${data.length} bytes` : typeof data}`,
    );
}
