/**
 * Images whose channels are stored in blocks: an image [N, C, H, W] becomes the tensor [N, C / 8, H, W, 8]. oneDNN's
 * float32 convolutions for AVX2 read and write it much faster than channels-last. Native steps that compute element by
 * element read it like any other tensor.
 */

/** Channels in a block. */
export const block = 8;

/** Extents with their strides. */
export interface Extents {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Whether an image's channels make whole blocks. */
export function hasWholeBlocks(shape: readonly number[]): boolean {
  return shape.length === 4 && shape[1] % block === 0;
}

/** An image of one pixel is the same in every memory order. */
export function isPixel(shape: readonly number[]): boolean {
  return shape.slice(2).every((extent) => extent === 1);
}

/** The elements of an image, in place, by blocks of channels. */
export function inBlocks({ shape: [n, c, h, w], strides }: Extents): Extents {
  const [image, channel, row, column] = strides;
  return { shape: [n, c / block, h, w, block], strides: [image, channel * block, row, column, channel] };
}

/** The same for an operand that is broadcast over an image. */
export function broadcastInBlocks({ shape, strides }: Extents): Extents {
  const missing = new Array<number>(4 - shape.length).fill(1);
  const image = { shape: [...missing, ...shape], strides: [...missing, ...strides] };
  if (image.shape[1] !== 1) return inBlocks(image);
  return { shape: [...image.shape, 1], strides: [...image.strides, 1] };
}

/** A count of channels as a count of blocks. */
export function blocksOf(channels: number): number {
  return channels / block;
}
