/** What augments images while they are loaded (counterpart: `torchvision.transforms`). */
export { type Affine, affine, type RandomAffineOptions, randomAffine } from './affine.ts';
export { adjustBrightness, adjustContrast, type ColorJitterOptions, colorJitter } from './color-jitter.ts';
export { type RandomCropOptions, randomCrop, randomHorizontalFlip } from './crop-and-flip.ts';
export { convertImageDtype, normalize } from './pixels.ts';
export type { BatchTransform, Transform } from './transform.ts';
