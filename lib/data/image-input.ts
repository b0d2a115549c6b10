import type { TensorInfo } from '../graph/index.ts';
import { Tensor } from '../tensor/index.ts';
import type { InputList } from './model-inputs.ts';
import {
  chooseNormalization,
  type Framing,
  type Normalization,
  normalize,
  type Preprocessing,
  refusePreprocessing,
} from './preprocessing.ts';
import { imageChannels, type Pixels } from './resample.ts';

/** How images become a model's input. */
export interface ImageInput {
  readonly info: TensorInfo;
  readonly framing: Framing;
  /** Undefined where the model's input is bytes. */
  readonly normalization: Normalization | undefined;
}

/**
 * How images become the input of a model that has one, `[n, 3, height, width]` of float32 or uint8.
 * @param where path or function, for messages.
 * @throws Error when the model has other inputs, or the preprocessing does not suit it.
 */
export function imageInput(inputs: InputList, preprocessing: Preprocessing, where: string): ImageInput {
  const [info, ...more] = inputs.infos;
  const isPixels = info?.dtype === 'float32' || info?.dtype === 'uint8';
  if (more.length > 0 || !isPixels || info.shape.length !== 4)
    throw new Error(
      `${where}: images are for a model with one input, float32 or uint8 [n, ${imageChannels}, height, width]; this one has ${inputs}`,
    );
  const { resizeSize, cropSize, interpolation, ...normalizing } = preprocessing;
  const framing = {
    ...(resizeSize === undefined ? {} : { resizeSize, interpolation: interpolation ?? 'bilinear' }),
    ...(cropSize === undefined ? {} : { cropSize }),
  };
  if (interpolation !== undefined && resizeSize === undefined)
    throw new Error(`${where}: preprocessing.interpolation needs resizeSize`);
  if (info.dtype === 'uint8')
    refusePreprocessing(preprocessing, 'normalization', where, `input '${info.name}' is uint8`);
  const normalization =
    info.dtype === 'float32' ? chooseNormalization(normalizing, 1 / 255, imageChannels) : undefined;
  return { info, framing, normalization };
}

/** Framed images under the names that messages call them by. */
export type NamedPixels = readonly (readonly [name: string, image: Pixels])[];

/**
 * A batch of framed images: their channels apart, normalized.
 * @throws Error that names the image of another size than the model needs.
 */
export function batchOf(images: NamedPixels, { info, normalization }: ImageInput): Tensor {
  const pixels = stack(images, info);
  return normalization ? normalize(pixels, normalization) : pixels;
}

/** Images of one size, with their channels apart. */
function stack(images: NamedPixels, { name, shape }: TensorInfo): Tensor {
  const [[, first]] = images;
  const [height, width] = [shape[2], shape[3]].map((size, axis) =>
    typeof size === 'number' ? size : axis === 0 ? first.height : first.width,
  );
  const plane = width * height;
  const result = new Uint8Array(images.length * imageChannels * plane);
  for (const [i, [path, image]] of images.entries()) {
    if (image.width !== width || image.height !== height)
      throw new Error(
        `${path}: the image is ${image.width} x ${image.height}, but input '${name}' needs ${width} x ${height}; ` +
          'preprocessing.resizeSize and cropSize bring images to one size',
      );
    for (let channel = 0; channel < imageChannels; channel++) {
      const start = (i * imageChannels + channel) * plane;
      for (let at = 0; at < plane; at++) result[start + at] = image.data[at * imageChannels + channel];
    }
  }
  return new Tensor('uint8', result, [images.length, imageChannels, height, width]);
}
