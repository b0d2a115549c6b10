import type { SharpConstructor } from 'sharp';
import { roundHalfToEven } from '../tensor/index.ts';
import type { Framing } from './preprocessing.ts';
import { imageChannels, type Pixels, type Rectangle, resample } from './resample.ts';

/** Reads an image file as its pixels. */
export type ImageReader = (path: string) => Promise<Pixels>;

/**
 * Loads the optional package `sharp`.
 * @param path of the images, for the message.
 * @throws Error that says how to install it.
 */
export async function imageReader(path: string): Promise<ImageReader> {
  let sharp: SharpConstructor;
  try {
    ({ default: sharp } = await import('sharp'));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `${path}: folders of images are read with the package sharp, which could not be loaded: npm install sharp (${message})`,
      { cause: error },
    );
  }
  return (file) => decode(sharp, file);
}

/**
 * As `PIL.Image.open(path).convert('RGB')` does: neither turned as EXIF says nor changed by a color profile, transparency
 * left out.
 */
async function decode(sharp: SharpConstructor, path: string): Promise<Pixels> {
  try {
    const { data, info } = await sharp(path, { ignoreIcc: true })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== imageChannels) throw new Error(`it has ${channels} channels`);
    return { width, height, data };
  } catch (error) {
    throw new Error(`${path} could not be read as an image: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The image resized and cropped as `torchvision.transforms.Resize` and `CenterCrop` do.
 * @param path of the image, for the message.
 * @throws Error when it is smaller than the crop.
 */
export function frame(image: Pixels, framing: Framing, path: string): Pixels {
  const { resizeSize, cropSize, interpolation = 'bilinear' } = framing;
  if (resizeSize === undefined && cropSize === undefined) return image;
  const [width, height] =
    resizeSize === undefined ? [image.width, image.height] : resizedSize(image, resizeSize);
  if (cropSize !== undefined && cropSize > Math.min(width, height))
    throw new Error(
      `${path}: the image is ${width} x ${height}, smaller than cropSize ${cropSize}; resizeSize enlarges it`,
    );
  const part = cropSize === undefined ? { left: 0, top: 0, width, height } : center(width, height, cropSize);
  return resample(image, width, height, part, interpolation);
}

/** The shorter side becomes `size`, and the longer is cut to whole pixels. */
function resizedSize({ width, height }: Pixels, size: number): [number, number] {
  return width <= height
    ? [size, Math.trunc((size * height) / width)]
    : [Math.trunc((size * width) / height), size];
}

const center = (width: number, height: number, size: number): Rectangle => ({
  left: roundHalfToEven((width - size) / 2),
  top: roundHalfToEven((height - size) / 2),
  width: size,
  height: size,
});
