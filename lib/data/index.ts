/**
 * `octavo/data`: calibration and test data in the forms people have, as batches of a model's inputs.
 * @module octavo/data
 */
export { Dataset, type DatasetOptions, readDataset } from './dataset.ts';
export type { DatasetModel } from './model-inputs.ts';
export { type PreprocessImageOptions, preprocessImage } from './preprocess-image.ts';
export type {
  ChosenPreprocessing,
  Framing,
  Interpolation,
  Normalization,
  Preprocessing,
} from './preprocessing.ts';
export { preprocessingMetadata, rememberedPreprocessing } from './remembered-preprocessing.ts';
export type { Pixels } from './resample.ts';
export type { Batch } from './source.ts';
